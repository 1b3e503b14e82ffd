"""Shapes of grad_norm and the learning rate, with the loss beside them."""

import numpy as np
from numpy.typing import NDArray

from kb.evidence.series import Series
from kb.evidence.shape_tools import (
    ZERO,
    Columns,
    Seen,
    aligned,
    finite,
    get,
    jumps,
    preference_or_rl,
    seen_at,
    tail_of,
    zero,
)

SQRT_COUNTS = np.sqrt(np.arange(1, 9))  # grad_norm of n ranks that each hold 1: DeepSpeed#5242
WARM_UP_ROWS = 10  # fp16 scalers start at 2**16 and halve on each overflow: real logs need fewer


def _warm_up(columns: Columns) -> int:
    """How many leading rows of grad_norm are NaN or inf as an fp16 loss scaler finds its scale; 0: not that."""
    grad = get(columns, "grad_norm", 3)
    if grad is None:
        return 0
    bad = grad.nan | grad.inf
    good = np.flatnonzero(~bad)
    lead = int(good[0]) if len(good) else len(grad)
    if not 0 < lead <= WARM_UP_ROWS or bad[lead:].any() or len(grad) - lead < min(lead, 3):
        return 0
    loss = get(columns, "loss")
    if loss is not None:
        beside = loss.at(np.isin(loss.row, grad.row[:lead]))
        if (zero(beside) | beside.nan | beside.inf).any() or zero(grad.at(grad.finite)).any():
            return 0
    return lead


def _isolated(bad: NDArray[np.bool_]) -> bool:
    """Single skipped steps of a dynamic loss scaler: rare, alone, and followed by good rows."""
    index = np.flatnonzero(bad)
    alone = len(index) > 0 and (len(index) == 1 or np.diff(index).min() > 3)
    return bool(alone and len(index) <= max(1, 0.05 * len(bad)) and len(bad) >= 8 and len(bad) - 1 - index[-1] >= 3)


def _grad_bad(columns: Columns, kind: str) -> Seen | None:
    grad = get(columns, "grad_norm")
    if grad is None or _warm_up(columns):
        return None
    bad = grad.nan if kind == "nan" else grad.inf
    if not bad.any():
        return None
    loss = finite(columns, "loss")
    zero_beside = loss is not None and zero(loss.at(np.isin(loss.row, grad.row[bad]))).any()
    if _isolated(grad.nan | grad.inf) and not zero_beside:
        return None
    return seen_at(grad, bad)


def grad_norm_nan(columns: Columns) -> Seen | None:
    return _grad_bad(columns, "nan")


def grad_norm_inf(columns: Columns) -> Seen | None:
    return _grad_bad(columns, "inf")


def fp16_scaler_warmup(columns: Columns) -> Seen | None:
    lead = _warm_up(columns)
    return seen_at(columns["grad_norm"], list(range(lead))) if lead else None


def grad_norm_zero(columns: Columns) -> Seen | None:
    grad = get(columns, "grad_norm", 2)
    if grad is None:
        return None
    tail = tail_of(zero(grad))
    return seen_at(grad, list(range(len(grad) - tail, len(grad)))) if tail >= 2 else None


def grad_norm_constant(columns: Columns) -> Seen | None:
    grad = finite(columns, "grad_norm", 2)
    if grad is None:
        return None
    tail = grad.at(slice(len(grad) - tail_of(np.abs(grad.high - grad.high[-1]) <= 1e-3 * abs(grad.high[-1])), None))
    value = float(grad.high[-1])
    root = bool((np.abs(SQRT_COUNTS - value) < 2e-3).any())
    if value <= 1e-6 or len(tail) < (2 if root else 4) or np.ptp(tail.middle) > 1e-3 * value:
        return None
    return seen_at(tail, np.ones(len(tail), bool))


def grad_norm_spike(columns: Columns) -> Seen | None:
    grad = finite(columns, "grad_norm", 3)
    if grad is None:
        return None
    far = jumps(grad, 10.0, 5.0)
    loss = get(columns, "loss")
    near = [i for i in jumps(grad, 8.0, 3.0) if loss is not None and _loss_suffers(loss, int(grad.row[i]))]
    found = sorted(set(far) | set(near))
    return seen_at(grad, found) if found else None


def _loss_suffers(loss: Series, row: int) -> bool:
    """Whether the loss doubles, or is 0 or NaN, within 5 rows of `row`."""
    before, after = loss.at((loss.row < row) & (loss.row > row - 9)), loss.at((loss.row >= row) & (loss.row <= row + 5))
    if not len(before) or not len(after):
        return False
    usual = np.nanmedian(before.middle) if before.finite.any() else np.nan
    return bool((after.nan | after.inf | zero(after)).any() or np.nanmax(after.high) > 2 * usual)


def grad_spike_then_zero(columns: Columns) -> Seen | None:
    """grad_norm 8 times its usual value or above 100, then 0 with loss 0 to the end."""
    grad, loss = finite(columns, "grad_norm", 3), get(columns, "loss", 3)
    if grad is None or loss is None or not tail_of(zero(loss)) or not tail_of(zero(grad)):
        return None
    start = len(grad) - tail_of(zero(grad))
    before = grad.at(slice(0, start))
    if not len(before):
        return None
    peak = int(np.argmax(before.high))
    usual = float(np.median(before.middle[:peak])) if peak else float(before.middle.min())
    if start - peak > 10 or before.high[peak] < min(100.0, max(8 * usual, 5.0)):
        return None
    return seen_at(grad, [peak, *range(start, len(grad))])


def grad_norm_tiny(columns: Columns) -> Seen | None:
    grad, loss = finite(columns, "grad_norm", 3), finite(columns, "loss", 3)
    if grad is None or loss is None or preference_or_rl(columns):
        return None
    usual = float(np.median(grad.middle))
    return seen_at(grad, grad.finite) if ZERO < usual < 3e-4 and np.median(loss.middle) > 0.1 else None


def grad_nonzero_loss_zero(columns: Columns) -> Seen | None:
    loss, grad = get(columns, "loss", 2), finite(columns, "grad_norm", 2)
    if loss is None or grad is None:
        return None
    loss, grad = aligned(loss, grad)
    both = zero(loss) & (grad.low > ZERO)
    if both.sum() < 2 or both.sum() < 0.5 * len(loss):
        return None
    return seen_at(loss, both)._replace(values=seen_at(grad, both).values)


def lr_zero(columns: Columns) -> Seen | None:
    rate = finite(columns, "learning_rate", 2)
    if rate is None:
        return None
    tail = tail_of(np.abs(rate.high) <= 1e-20)
    return seen_at(rate, list(range(len(rate) - tail, len(rate)))) if tail == len(rate) or tail >= 5 else None
