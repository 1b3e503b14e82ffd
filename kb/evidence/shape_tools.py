"""What the shape rules share: columns with missing and infinite values, jumps, parts."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.evidence.series import Floats, Series

MAX_SHOWN = 6
ZERO = 1e-9


class Seen(NamedTuple):
    """What a rule found: line numbers, the values to show, and the steps where the log names them all."""

    lines: tuple[int, ...]
    values: tuple[float | str, ...]
    steps: tuple[float, ...] = ()


Columns = Mapping[str, Series]
Rule = Callable[[Columns], Seen | None]


def seen_at(series: Series, chosen: NDArray[np.bool_] | list[int]) -> Seen:
    """The first rows of `chosen`, as printed."""
    index = np.flatnonzero(chosen)[:MAX_SHOWN] if isinstance(chosen, np.ndarray) else np.array(chosen[:MAX_SHOWN], int)
    at = series.at(index.tolist())
    values = tuple(
        "nan" if nan else "inf" if inf else float(f"{value:.6g}")
        for nan, inf, value in zip(at.nan.tolist(), at.inf.tolist(), at.high.tolist(), strict=True)
    )
    steps = () if np.isnan(at.step).any() else tuple(at.step.tolist())
    return Seen(tuple(int(line) for line in at.line.tolist()), values, steps)


def get(columns: Columns, name: str, rows: int = 1) -> Series | None:
    series = columns.get(name)
    return series if series is not None and len(series) >= rows else None


def finite(columns: Columns, name: str, rows: int = 1) -> Series | None:
    series = columns.get(name)
    if series is None:
        return None
    kept = series if series.finite.all() else series.at(series.finite)
    return kept if len(kept) >= rows else None


def aligned(one: Series, other: Series) -> tuple[Series, Series]:
    """The rows that both have."""
    _, left, right = np.intersect1d(one.row, other.row, return_indices=True)
    return one.at(left.tolist()), other.at(right.tolist())


def zero(series: Series) -> NDArray[np.bool_]:
    return np.asarray((np.abs(series.low) <= ZERO) & (np.abs(series.high) <= ZERO))


def tail_of(mask: NDArray[np.bool_]) -> int:
    """How many at the end are true."""
    false = np.flatnonzero(~mask)
    return len(mask) - (int(false[-1]) + 1 if len(false) else 0)


def parts_of(values: Floats, count: int) -> Floats:
    """Medians of `count` consecutive parts."""
    return np.array([np.median(part) for part in np.array_split(values, count)])


def preference_or_rl(columns: Columns) -> bool:
    return any(name.startswith(("reward", "kl", "logps", "frac_reward", "policy_loss")) for name in columns)


def near_start(series: Series) -> bool:
    """Whether the log opens near the beginning of a run, as far as it says."""
    step, epoch = series.step[0], series.epoch[0]
    early_step = np.isnan(step) or step <= 200
    return bool(early_step and (np.isnan(epoch) or epoch <= 0.2))


def jumps(series: Series, ratio: float, least: float) -> list[int]:
    """Rows that stand `ratio` times above the median of up to 8 before them, by at least `least`."""
    high, middle = series.high, series.middle
    if len(high) < 3:
        return []
    usual, noise = _before(middle)
    far = high > np.maximum.reduce([usual * ratio, usual + least, usual + 8 * noise])
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


def bad_values(name: str) -> Rule:
    def rule(columns: Columns) -> Seen | None:
        series = get(columns, name)
        bad = series.nan | series.inf if series is not None else None
        return seen_at(series, bad) if series is not None and bad is not None and bad.any() else None

    return rule
