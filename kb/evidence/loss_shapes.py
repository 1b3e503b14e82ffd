"""Shapes of loss and evaluation loss. The thresholds keep healthy logs silent: curriculum jumps, resumed runs."""

import numpy as np

from kb.evidence.series import Series
from kb.evidence.shape_tools import (
    ZERO,
    Columns,
    Seen,
    aligned,
    finite,
    get,
    jumps,
    near_start,
    parts_of,
    preference_or_rl,
    seen_at,
    tail_of,
    zero,
)

LN_VOCABULARY = 12.5  # ln(262,144): no untrained model of today's vocabularies starts above this
LN2 = 0.6931  # the loss of a preference pair that the model does not tell apart


def loss_nan_hidden(columns: Columns) -> Seen | None:
    """loss 0.0 beside grad_norm NaN: transformers' logging_nan_inf_filter."""
    loss, grad = get(columns, "loss"), get(columns, "grad_norm")
    if loss is None or grad is None:
        return None
    loss, grad = aligned(loss, grad)
    hidden = zero(loss) & grad.nan
    return Seen(seen_at(loss, hidden).lines, (0.0, "nan")) if hidden.any() else None


def _loss_is_expected_zero(columns: Columns) -> bool:
    """In GRPO the loss value is zero by construction at the first inner step (trl#3452); the gradient is not."""
    grad = finite(columns, "grad_norm")
    return preference_or_rl(columns) and grad is not None and float(np.median(grad.middle)) > ZERO


def loss_zero_from_start(columns: Columns) -> Seen | None:
    loss = get(columns, "loss", 2)
    if loss is None or not zero(loss).all() or _loss_is_expected_zero(columns):
        return None
    return seen_at(loss, zero(loss))


def loss_zero_onset(columns: Columns) -> Seen | None:
    loss = get(columns, "loss", 2)
    if loss is None:
        return None
    tail = tail_of(zero(loss) | loss.nan)
    start = len(loss) - tail
    before = loss.at(slice(0, start))
    before = before.at(before.finite & ~zero(before))
    if not tail or not len(before) or not zero(loss)[start:].any():
        return None
    if np.median(before.middle[-3:]) < 0.02:  # a loss that shrank to print as 0 did not jump there
        return None
    if tail == 1 and not _gradient_gone(columns, int(loss.row[-1])):
        return None
    return seen_at(loss, [max(start - 1, 0), *range(start, len(loss))])


def _gradient_gone(columns: Columns, row: int) -> bool:
    grad = get(columns, "grad_norm")
    at = grad.at(grad.row == row) if grad is not None else None
    return at is not None and len(at) > 0 and bool((at.nan | zero(at)).any())


def loss_huge_at_start(columns: Columns) -> Seen | None:
    loss = get(columns, "loss", 2)
    if loss is None or preference_or_rl(columns) or not near_start(loss):
        return None
    return seen_at(loss, [0]) if loss.high[0] > 1.5 * LN_VOCABULARY else None


def loss_scaled_up(columns: Columns) -> Seen | None:
    """Training loss a whole multiple (2, 4, 8 …) of the evaluation loss beside it."""
    loss, evaluation = finite(columns, "loss", 2), finite(columns, "eval_loss")
    if loss is None or evaluation is None or preference_or_rl(columns):
        return None
    before = loss.at(loss.row < evaluation.row[-1])
    if len(before) < 2 or evaluation.high[-1] <= 0.1:
        return None
    ratio = float(np.median(before.middle[-5:]) / evaluation.middle[-1])
    nearest = 2 ** round(np.log2(ratio)) if ratio > 0 else 0
    if nearest < 4 or abs(ratio / nearest - 1) > 0.25:
        return None
    return Seen((int(before.line[-1]), int(evaluation.line[-1])), (float(before.high[-1]), float(evaluation.high[-1])))


def loss_spike(columns: Columns) -> Seen | None:
    """A jump to twice the usual loss, back within 8 rows (a harder curriculum raises it less, and for longer)."""
    loss = finite(columns, "loss", 5)
    if loss is None or preference_or_rl(columns):
        return None
    peaks = []
    for i in jumps(loss, 2.0, 1.0):
        usual = float(np.median(loss.middle[max(0, i - 8) : i]))
        after = loss.middle[i + 1 : i + 9]
        if len(after) and after.min() <= usual + 0.35 * (loss.high[i] - usual) and after.min() > ZERO:
            peaks.append(i)
    return seen_at(loss, peaks) if peaks and len(peaks) <= max(3, 0.1 * len(loss)) else None


def loss_diverging(columns: Columns) -> Seen | None:
    """The loss ends at its top, well above its low: after rising more than once, or by 3 times and staying there."""
    loss = finite(columns, "loss", 3)
    if loss is None or preference_or_rl(columns):
        return None
    first = int(np.argmin(loss.middle))
    seen = seen_at(loss, [first, len(loss) - 1])
    end, low = float(np.median(loss.middle[-3:])), float(loss.middle[:-2].min())
    if len(loss) >= 6 and loss.middle[-3:].min() > max(2.5 * low, low + 1.5) and end > 3 * low:
        return seen
    parts = parts_of(loss.middle, min(6, len(loss)))
    bottom = int(np.argmin(parts))
    rise = parts[bottom:]
    if len(rise) < 3 or parts[-1] < 0.85 * rise.max() or np.sum(np.diff(rise) > 0.05 * abs(parts[bottom])) < 2:
        return None
    return seen if parts[-1] >= max(1.5 * parts[bottom], parts[bottom] + 0.5) else None


def loss_plateau(columns: Columns) -> Seen | None:
    """One constant other than 0 (to 0.1 %), or from the start of the run 12 rows or more without a fall of 2 %."""
    loss = finite(columns, "loss", 5)
    if loss is None or zero(loss).any():
        return None
    seen = seen_at(loss, [0, len(loss) - 1])
    if not preference_or_rl(columns) and np.ptp(loss.middle) <= 1e-3 * abs(loss.middle[0]):
        return seen
    if any(n.startswith(("rewards/", "logps/")) for n in columns) and np.abs(loss.middle - LN2).max() < 0.003:
        return seen if len(loss) >= 10 else None
    if preference_or_rl(columns) or len(loss) < 12 or not near_start(loss) or np.median(loss.middle) < 1.0:
        return None
    quarters = parts_of(loss.middle, 4)
    flat = quarters[-1] >= 0.98 * quarters[0] and np.ptp(quarters) <= 0.03 * quarters[0]
    return seen if flat and not (np.diff(quarters) < 0).all() else None


def _eval_rise(columns: Columns) -> Series | None:
    evaluation = finite(columns, "eval_loss", 2)
    if evaluation is None:
        return None
    low = int(np.argmin(evaluation.middle))
    after = evaluation.middle[low:]
    factor = 1.03 if len(after) >= 3 else 1.1
    rises = len(after) >= 2 and after[-1] >= factor * after[0] and after[-1] >= 0.97 * after.max()
    return evaluation if rises else None


def eval_loss_rising(columns: Columns) -> Seen | None:
    evaluation, loss = _eval_rise(columns), finite(columns, "loss", 2)
    if evaluation is None or (loss is not None and np.median(loss.middle[-3:]) > np.median(loss.middle[:3])):
        return None
    return seen_at(evaluation, [int(np.argmin(evaluation.middle)), len(evaluation) - 1])


def loss_near_zero_overfit(columns: Columns) -> Seen | None:
    loss = finite(columns, "loss", 3)
    if loss is None or _eval_rise(columns) is None or preference_or_rl(columns):
        return None
    low = np.median(loss.middle[-3:])
    if not ZERO < low < 0.05 or loss.middle[0] < 0.3:
        return None
    return seen_at(loss, [0, len(loss) - 1])


def loss_drops_at_epoch(columns: Columns) -> Seen | None:
    """At two epoch ends or more the loss falls by a quarter at once, and hardly within the epochs."""
    loss = finite(columns, "loss", 9)
    if loss is None or np.isnan(loss.epoch).any():
        return None
    passed = np.ceil(loss.epoch)  # a row logs the mean of steps that end at its epoch
    bounds = np.flatnonzero(np.diff(passed) > 0) + 1
    starts = [0, *bounds.tolist(), len(loss)]
    if len(bounds) < 2 or min(np.diff(starts)[:-1]) < 3:
        return None
    steep = []
    for at, begin, end in zip(bounds.tolist(), starts, starts[2:], strict=False):
        before, after = loss.middle[begin:at], loss.middle[at:end]
        within = before[: max(1, len(before) // 3)].mean() - before[-max(1, len(before) // 3) :].mean()
        drop = before[-3:].mean() - after[:3].mean()
        steep.append(drop >= 0.2 * before[-3:].mean() and (begin == 0 or within <= 0.5 * drop))
    return seen_at(loss, [b for b, s in zip(bounds.tolist(), steep, strict=True) if s]) if sum(steep) >= 2 else None
