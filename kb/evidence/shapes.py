"""Series → signals, with the numbers behind them.

Each rule is one function over the columns of one input, listed in RULES. Thresholds say what they rest on; those
without a source are chosen so that healthy logs stay silent (curriculum jumps, resumed runs, fp16 warm-up).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.evidence.model import SignalSeen
from kb.evidence.series import Floats, Series

MAX_SHOWN = 6
LN_VOCABULARY = 12.5  # ln(262,144): no untrained model of today's vocabularies starts above this
SQRT_COUNTS = np.sqrt(np.arange(1, 9))  # grad_norm of n ranks that each hold 1: DeepSpeed#5242
ZERO = 1e-9
WARM_UP_ROWS = 10  # fp16 scalers start at 2**16 and halve on each overflow: real logs need fewer
LN2 = 0.6931  # the loss of a preference pair that the model does not tell apart


class Seen(NamedTuple):
    """What a rule found: line numbers and the values to show."""

    lines: tuple[int, ...]
    values: tuple[float | str, ...]


Columns = Mapping[str, Series]
Rule = Callable[[Columns], Seen | None]


def signals(name: str, columns: Columns) -> list[SignalSeen]:
    """The signals of one input's columns; `name` is the input's."""
    out = []
    for signal, rule in RULES:
        seen = rule(columns)
        if seen is not None:
            out.append(SignalSeen(name=signal, input=name, lines=seen.lines, values=seen.values, seen_in="metric"))
    return out


# --- helpers -----------------------------------------------------------------


def _seen(series: Series, chosen: NDArray[np.bool_] | list[int]) -> Seen:
    """The first rows of `chosen`, as printed."""
    index = np.flatnonzero(chosen)[:MAX_SHOWN] if isinstance(chosen, np.ndarray) else np.array(chosen[:MAX_SHOWN], int)
    at = series.at(index.tolist())
    values = tuple(
        "nan" if nan else "inf" if inf else float(f"{value:.6g}")
        for nan, inf, value in zip(at.nan.tolist(), at.inf.tolist(), at.high.tolist(), strict=True)
    )
    return Seen(tuple(int(line) for line in at.line.tolist()), values)


def _get(columns: Columns, name: str, rows: int = 1) -> Series | None:
    series = columns.get(name)
    return series if series is not None and len(series) >= rows else None


def _finite(columns: Columns, name: str, rows: int = 1) -> Series | None:
    series = columns.get(name)
    if series is None:
        return None
    kept = series if series.finite.all() else series.at(series.finite)
    return kept if len(kept) >= rows else None


def _aligned(one: Series, other: Series) -> tuple[Series, Series]:
    """The rows that both have."""
    _, left, right = np.intersect1d(one.row, other.row, return_indices=True)
    return one.at(left.tolist()), other.at(right.tolist())


def _zero(series: Series) -> NDArray[np.bool_]:
    return np.asarray((np.abs(series.low) <= ZERO) & (np.abs(series.high) <= ZERO))


def _tail(mask: NDArray[np.bool_]) -> int:
    """How many at the end are true."""
    false = np.flatnonzero(~mask)
    return len(mask) - (int(false[-1]) + 1 if len(false) else 0)


def _parts(values: Floats, count: int) -> Floats:
    """Medians of `count` consecutive parts."""
    return np.array([np.median(part) for part in np.array_split(values, count)])


def _preference_or_rl(columns: Columns) -> bool:
    return any(name.startswith(("reward", "kl", "logps", "frac_reward", "policy_loss")) for name in columns)


def _near_start(series: Series) -> bool:
    """Whether the log opens near the beginning of a run, as far as it says."""
    step, epoch = series.step[0], series.epoch[0]
    early_step = np.isnan(step) or step <= 500
    return bool(early_step and (np.isnan(epoch) or epoch <= 0.5))


# --- not a number --------------------------------------------------------------


def _warm_up(columns: Columns) -> int:
    """How many leading rows of grad_norm are NaN or inf as an fp16 loss scaler finds its scale; 0: not that."""
    grad = _get(columns, "grad_norm", 3)
    if grad is None:
        return 0
    bad = grad.nan | grad.inf
    good = np.flatnonzero(~bad)
    lead = int(good[0]) if len(good) else len(grad)
    if not 0 < lead <= WARM_UP_ROWS or bad[lead:].any() or len(grad) - lead < min(lead, 3):
        return 0
    loss = _get(columns, "loss")
    if loss is not None:
        beside = loss.at(np.isin(loss.row, grad.row[:lead]))
        if (_zero(beside) | beside.nan | beside.inf).any() or _zero(grad.at(grad.finite)).any():
            return 0
    return lead


def _isolated(bad: NDArray[np.bool_]) -> bool:
    """Single skipped steps of a dynamic loss scaler: rare, alone, and followed by good rows."""
    index = np.flatnonzero(bad)
    alone = len(index) > 0 and (len(index) == 1 or np.diff(index).min() > 3)
    return bool(alone and len(index) <= max(1, 0.05 * len(bad)) and len(bad) >= 8 and len(bad) - 1 - index[-1] >= 3)


def _grad_bad(columns: Columns, kind: str) -> Seen | None:
    grad = _get(columns, "grad_norm")
    if grad is None or _warm_up(columns):
        return None
    bad = grad.nan if kind == "nan" else grad.inf
    if not bad.any():
        return None
    loss = _finite(columns, "loss")
    zero_beside = loss is not None and _zero(loss.at(np.isin(loss.row, grad.row[bad]))).any()
    if _isolated(grad.nan | grad.inf) and not zero_beside:
        return None
    return _seen(grad, bad)


def grad_norm_nan(columns: Columns) -> Seen | None:
    return _grad_bad(columns, "nan")


def grad_norm_inf(columns: Columns) -> Seen | None:
    return _grad_bad(columns, "inf")


def fp16_scaler_warmup(columns: Columns) -> Seen | None:
    lead = _warm_up(columns)
    return _seen(columns["grad_norm"], list(range(lead))) if lead else None


def _bad_values(name: str) -> Rule:
    def rule(columns: Columns) -> Seen | None:
        series = _get(columns, name)
        bad = series.nan | series.inf if series is not None else None
        return _seen(series, bad) if series is not None and bad is not None and bad.any() else None

    return rule


def loss_nan_hidden(columns: Columns) -> Seen | None:
    """loss 0.0 beside grad_norm NaN: transformers' logging_nan_inf_filter."""
    loss, grad = _get(columns, "loss"), _get(columns, "grad_norm")
    if loss is None or grad is None:
        return None
    loss, grad = _aligned(loss, grad)
    hidden = _zero(loss) & grad.nan
    return Seen(_seen(loss, hidden).lines, (0.0, "nan")) if hidden.any() else None


# --- loss ----------------------------------------------------------------------


def _loss_is_expected_zero(columns: Columns) -> bool:
    """In GRPO the loss value is zero by construction at the first inner step (trl#3452); the gradient is not."""
    grad = _finite(columns, "grad_norm")
    return _preference_or_rl(columns) and grad is not None and float(np.median(grad.middle)) > ZERO


def loss_zero_from_start(columns: Columns) -> Seen | None:
    loss = _get(columns, "loss", 2)
    if loss is None or not _zero(loss).all() or _loss_is_expected_zero(columns):
        return None
    return _seen(loss, _zero(loss))


def loss_zero_onset(columns: Columns) -> Seen | None:
    loss = _get(columns, "loss", 2)
    if loss is None:
        return None
    tail = _tail(_zero(loss) | loss.nan)
    start = len(loss) - tail
    before = loss.at(slice(0, start))
    before = before.at(before.finite & ~_zero(before))
    if not tail or not len(before) or not _zero(loss)[start:].any():
        return None
    if np.median(before.middle[-3:]) < 0.02:  # a loss that shrank to print as 0 did not jump there
        return None
    if tail == 1 and not _gradient_gone(columns, int(loss.row[-1])):
        return None
    return _seen(loss, [max(start - 1, 0), *range(start, len(loss))])


def _gradient_gone(columns: Columns, row: int) -> bool:
    grad = _get(columns, "grad_norm")
    at = grad.at(grad.row == row) if grad is not None else None
    return at is not None and len(at) > 0 and bool((at.nan | _zero(at)).any())


def loss_huge_at_start(columns: Columns) -> Seen | None:
    loss = _get(columns, "loss", 2)
    if loss is None or _preference_or_rl(columns) or not _near_start(loss):
        return None
    return _seen(loss, [0]) if loss.high[0] > 1.5 * LN_VOCABULARY else None


def loss_scaled_up(columns: Columns) -> Seen | None:
    """Training loss a whole multiple (2, 4, 8 …) of the evaluation loss beside it."""
    loss, evaluation = _finite(columns, "loss", 2), _finite(columns, "eval_loss")
    if loss is None or evaluation is None or _preference_or_rl(columns):
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
    """A jump to 3 times the usual loss that falls back within 8 rows."""
    loss = _finite(columns, "loss", 5)
    if loss is None or _preference_or_rl(columns):
        return None
    peaks = []
    for i in _jumps(loss, 3.0, 1.0):
        usual = float(np.median(loss.middle[max(0, i - 8) : i]))
        after = loss.middle[i + 1 : i + 9]
        if len(after) and after.min() <= usual + 0.35 * (loss.high[i] - usual) and after.min() > ZERO:
            peaks.append(i)
    return _seen(loss, peaks) if peaks and len(peaks) <= max(3, 0.1 * len(loss)) else None


def _jumps(series: Series, ratio: float, least: float) -> list[int]:
    """Rows that stand `ratio` times above the median of up to 8 before them, by at least `least`."""
    high, middle = series.high, series.middle
    if len(high) < 3:
        return []
    usual, noise = _before(middle)
    far = high > np.maximum.reduce([usual * ratio, usual + least, usual + 6 * noise])
    return [i for i in np.flatnonzero(far).tolist() if i >= 2]


def _before(values: Floats, width: int = 8) -> tuple[Floats, Floats]:
    """For each value the median of up to `width` before it, and the median distance from that."""
    padded = np.concatenate([np.full(width, np.nan), values[:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    windows = np.sort(windows, axis=1)  # NaN sorts last
    count = np.minimum(np.arange(len(values)), width)
    rows = np.arange(len(values))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    usual = (windows[rows, low] + windows[rows, np.minimum(high, width - 1)]) / 2
    distance = np.sort(np.abs(windows - usual[:, None]), axis=1)
    return usual, (distance[rows, low] + distance[rows, np.minimum(high, width - 1)]) / 2


def loss_diverging(columns: Columns) -> Seen | None:
    """The loss ends at its top, well above its low, after rising more than once."""
    loss = _finite(columns, "loss", 3)
    if loss is None or _preference_or_rl(columns):
        return None
    parts = _parts(loss.middle, min(6, len(loss)))
    low = int(np.argmin(parts))
    rise = parts[low:]
    if len(rise) < 3 or parts[-1] < 0.85 * rise.max() or np.sum(np.diff(rise) > 0.05 * abs(parts[low])) < 2:
        return None
    if parts[-1] < 1.5 * parts[low] or parts[-1] - parts[low] < 0.5:
        return None
    first = int(np.argmin(loss.middle))
    return _seen(loss, [first, len(loss) - 1])


def loss_plateau(columns: Columns) -> Seen | None:
    """From near the start of the run, 20 rows or more without a fall of 1 %."""
    loss = _finite(columns, "loss", 10)
    if loss is None:
        return None
    ends = loss.middle
    if any(n.startswith(("rewards/", "logps/")) for n in columns) and np.abs(ends - LN2).max() < 0.003:
        return _seen(loss, [0, len(loss) - 1])
    if _preference_or_rl(columns) or len(loss) < 20 or not _near_start(loss) or np.median(ends) < 1.0:
        return None
    quarters = _parts(ends, 4)
    if abs(quarters[0] - quarters[-1]) > 0.01 * quarters[0] or np.ptp(quarters) > 0.02 * quarters[0]:
        return None
    return _seen(loss, [0, len(loss) - 1])


def _eval_rise(columns: Columns) -> Series | None:
    evaluation = _finite(columns, "eval_loss", 2)
    if evaluation is None:
        return None
    low = int(np.argmin(evaluation.middle))
    after = evaluation.middle[low:]
    rises = len(after) >= 2 and after[-1] >= after[0] * (1.03 if len(after) >= 3 else 1.1) and after[-1] >= 0.97 * after.max()
    return evaluation if rises else None


def eval_loss_rising(columns: Columns) -> Seen | None:
    evaluation, loss = _eval_rise(columns), _finite(columns, "loss", 2)
    if evaluation is None or (loss is not None and np.median(loss.middle[-3:]) > np.median(loss.middle[:3])):
        return None
    return _seen(evaluation, [int(np.argmin(evaluation.middle)), len(evaluation) - 1])


def loss_near_zero_overfit(columns: Columns) -> Seen | None:
    loss = _finite(columns, "loss", 3)
    if loss is None or _eval_rise(columns) is None or _preference_or_rl(columns):
        return None
    low = np.median(loss.middle[-3:])
    if not ZERO < low < 0.05 or loss.middle[0] < 0.3:
        return None
    return _seen(loss, [0, len(loss) - 1])


def loss_drops_at_epoch(columns: Columns) -> Seen | None:
    """At two epoch ends or more the loss falls by a quarter at once, and hardly within the epochs."""
    loss = _finite(columns, "loss", 9)
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
    return _seen(loss, [b for b, s in zip(bounds.tolist(), steep, strict=True) if s]) if sum(steep) >= 2 else None


# --- gradients and learning rate --------------------------------------------------


def grad_norm_zero(columns: Columns) -> Seen | None:
    grad = _get(columns, "grad_norm", 2)
    if grad is None:
        return None
    tail = _tail(_zero(grad))
    return _seen(grad, list(range(len(grad) - tail, len(grad)))) if tail >= 2 else None


def grad_norm_constant(columns: Columns) -> Seen | None:
    grad = _finite(columns, "grad_norm", 2)
    if grad is None:
        return None
    tail = grad.at(slice(len(grad) - _tail(np.abs(grad.high - grad.high[-1]) <= 1e-3 * abs(grad.high[-1])), None))
    value = float(grad.high[-1])
    root = bool((np.abs(SQRT_COUNTS - value) < 2e-3).any())
    if value <= 1e-6 or len(tail) < (2 if root else 4) or np.ptp(tail.middle) > 1e-3 * value:
        return None
    return _seen(tail, np.ones(len(tail), bool))


def grad_norm_spike(columns: Columns) -> Seen | None:
    grad = _finite(columns, "grad_norm", 3)
    if grad is None:
        return None
    far = _jumps(grad, 20.0, 5.0)
    loss = _get(columns, "loss")
    near = [i for i in _jumps(grad, 8.0, 3.0) if loss is not None and _loss_suffers(loss, int(grad.row[i]))]
    found = sorted(set(far) | set(near))
    return _seen(grad, found) if found else None


def _loss_suffers(loss: Series, row: int) -> bool:
    """Whether the loss doubles, or is 0 or NaN, within 5 rows of `row`."""
    before, after = loss.at((loss.row < row) & (loss.row > row - 9)), loss.at((loss.row >= row) & (loss.row <= row + 5))
    if not len(before) or not len(after):
        return False
    usual = np.nanmedian(before.middle) if before.finite.any() else np.nan
    return bool((after.nan | after.inf | _zero(after)).any() or np.nanmax(after.high) > 2 * usual)


def grad_spike_then_zero(columns: Columns) -> Seen | None:
    """grad_norm 8 times its usual value or above 100, then 0 with loss 0 to the end."""
    grad, loss = _finite(columns, "grad_norm", 3), _get(columns, "loss", 3)
    if grad is None or loss is None or not _tail(_zero(loss)) or not _tail(_zero(grad)):
        return None
    start = len(grad) - _tail(_zero(grad))
    before = grad.at(slice(0, start))
    if not len(before):
        return None
    peak = int(np.argmax(before.high))
    usual = float(np.median(before.middle[:peak])) if peak else float(before.middle.min())
    if start - peak > 10 or before.high[peak] < min(100.0, max(8 * usual, 5.0)):
        return None
    return _seen(grad, [peak, *range(start, len(grad))])


def grad_norm_tiny(columns: Columns) -> Seen | None:
    grad, loss = _finite(columns, "grad_norm", 3), _finite(columns, "loss", 3)
    if grad is None or loss is None or _preference_or_rl(columns):
        return None
    usual = float(np.median(grad.middle))
    return _seen(grad, grad.finite) if ZERO < usual < 3e-4 and np.median(loss.middle) > 0.1 else None


def grad_nonzero_loss_zero(columns: Columns) -> Seen | None:
    loss, grad = _get(columns, "loss", 2), _finite(columns, "grad_norm", 2)
    if loss is None or grad is None:
        return None
    loss, grad = _aligned(loss, grad)
    both = _zero(loss) & (grad.low > ZERO)
    if both.sum() < 2 or both.sum() < 0.5 * len(loss):
        return None
    return Seen(_seen(loss, both).lines, _seen(grad, both).values)


def lr_zero(columns: Columns) -> Seen | None:
    rate = _finite(columns, "learning_rate", 2)
    if rate is None:
        return None
    tail = _tail(np.abs(rate.high) <= 1e-20)
    return _seen(rate, list(range(len(rate) - tail, len(rate)))) if tail == len(rate) or tail >= 5 else None


# --- rewards ---------------------------------------------------------------------


def reward_std_zero(columns: Columns) -> Seen | None:
    spread, share = _finite(columns, "reward_std", 2), _finite(columns, "frac_reward_zero_std", 2)
    if spread is not None and _zero(spread).mean() >= 0.9:
        return _seen(spread, _zero(spread))
    if share is not None and (share.low >= 0.999).mean() >= 0.9:
        return _seen(share, share.low >= 0.999)
    return None


def reward_zero(columns: Columns) -> Seen | None:
    reward = _finite(columns, "reward", 2)
    return _seen(reward, _zero(reward)) if reward is not None and _zero(reward).all() else None


def reward_flat(columns: Columns) -> Seen | None:
    reward = _finite(columns, "reward", 20)
    if reward is None or _zero(reward).all():
        return None
    quarters = _parts(reward.middle, 4)
    level = max(float(np.abs(quarters).max()), 1e-6)
    if np.ptp(quarters) > 0.05 * level or 0.9 <= quarters[-1] <= 1.0:
        return None
    return _seen(reward, [0, len(reward) - 1])


def reward_collapse(columns: Columns) -> Seen | None:
    """The reward gains, then loses 70 % of the gain."""
    reward = _finite(columns, "reward", 6)
    if reward is None:
        return None
    parts = _parts(reward.middle, min(8, len(reward) // 2))
    top = int(np.argmax(parts))
    gain, lost = parts[top] - parts[0], parts[top] - parts[-1]
    if not 0 < top < len(parts) - 1 or gain < 0.1 * max(abs(parts[0]), 0.5) or lost < 0.7 * gain:
        return None
    noise = float(np.median(np.abs(np.diff(reward.middle))))
    return _seen(reward, [int(np.argmax(reward.middle)), len(reward) - 1]) if lost > 3 * noise else None


def kl_spike(columns: Columns) -> Seen | None:
    kl = _finite(columns, "kl", 4)
    jumps = _jumps(kl, 10.0, 0.5) if kl is not None else []
    return _seen(kl, jumps) if kl is not None and jumps else None


def entropy_collapse(columns: Columns) -> Seen | None:
    entropy = _finite(columns, "entropy", 4)
    if entropy is None:
        return None
    first, last = float(entropy.middle[:3].max()), float(np.median(entropy.middle[-3:]))
    if first < 0.1 or last > 0.03 or last > 0.15 * first:
        return None
    return _seen(entropy, [0, len(entropy) - 1])


def completions_clipped(columns: Columns) -> Seen | None:
    ratio = _finite(columns, "clipped_ratio", 2)
    return _seen(ratio, ratio.high >= 0.9) if ratio is not None and np.median(ratio.middle) >= 0.9 else None


def rewards_chosen_falling(columns: Columns) -> Seen | None:
    """The reward of chosen answers falls by 2 or more, below 0; healthy DPO drifts less."""
    chosen = _finite(columns, "rewards/chosen", 4)
    if chosen is not None:
        first, last = float(np.median(chosen.middle[:2])), float(np.median(chosen.middle[-2:]))
        return _seen(chosen, [0, len(chosen) - 1]) if last < -2 and first - last >= 2 else None
    logps = _finite(columns, "logps/chosen", 4)
    if logps is None:
        return None
    first, last = float(np.median(logps.middle[:2])), float(np.median(logps.middle[-2:]))
    return _seen(logps, [0, len(logps) - 1]) if first - last >= max(20.0, 0.2 * abs(first)) else None


# --- speed and memory ---------------------------------------------------------------


def throughput_drop(columns: Columns) -> Seen | None:
    """The last third runs at 60 % or less of the first."""
    for name, direction in (("tokens_per_second", 1), ("samples_per_second", 1), ("steps_per_second", 1),
                            ("step_seconds", -1), ("step_milliseconds", -1)):  # fmt: skip
        series = _finite(columns, name, 6)
        if series is None or (series.low <= 0).any():
            continue
        parts = _parts(series.middle**direction, 3)
        if parts[2] <= 0.6 * parts[0] and parts[2] <= 1.1 * parts[1]:
            return _seen(series, [0, len(series) - 1])
    return None


def memory_growing(columns: Columns) -> Seen | None:
    memory = _finite(columns, "memory", 6)
    if memory is None or memory.high[0] <= 0:
        return None
    parts = _parts(memory.middle, 3)
    rising = (np.diff(memory.middle) >= 0).mean() >= 0.8 and parts[2] > 1.05 * parts[1] > 1.05 * parts[0]
    if not rising or memory.middle[-1] < 1.2 * memory.middle[0]:
        return None
    return _seen(memory, [0, len(memory) - 1])


RULES: tuple[tuple[str, Rule], ...] = (
    ("loss-nan", _bad_values("loss")),
    ("loss-nan-hidden", loss_nan_hidden),
    ("loss-zero-from-start", loss_zero_from_start),
    ("loss-zero-onset", loss_zero_onset),
    ("loss-huge-at-start", loss_huge_at_start),
    ("loss-scaled-up", loss_scaled_up),
    ("loss-spike", loss_spike),
    ("loss-diverging", loss_diverging),
    ("loss-plateau", loss_plateau),
    ("loss-drops-at-epoch", loss_drops_at_epoch),
    ("loss-near-zero-overfit", loss_near_zero_overfit),
    ("eval-loss-rising", eval_loss_rising),
    ("eval-loss-nan", _bad_values("eval_loss")),
    ("grad-norm-zero", grad_norm_zero),
    ("grad-norm-nan", grad_norm_nan),
    ("grad-norm-inf", grad_norm_inf),
    ("grad-norm-constant", grad_norm_constant),
    ("grad-norm-spike", grad_norm_spike),
    ("grad-norm-tiny", grad_norm_tiny),
    ("grad-spike-then-zero", grad_spike_then_zero),
    ("grad-nonzero-loss-zero", grad_nonzero_loss_zero),
    ("fp16-scaler-warmup", fp16_scaler_warmup),
    ("lr-zero", lr_zero),
    ("reward-std-zero", reward_std_zero),
    ("reward-zero", reward_zero),
    ("reward-flat", reward_flat),
    ("reward-collapse", reward_collapse),
    ("kl-spike", kl_spike),
    ("entropy-collapse", entropy_collapse),
    ("completions-clipped", completions_clipped),
    ("rewards-chosen-falling", rewards_chosen_falling),
    ("throughput-drop", throughput_drop),
    ("memory-growing", memory_growing),
)
