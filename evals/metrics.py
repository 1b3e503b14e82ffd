"""Shares with bootstrap intervals, paired differences, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 2000
SEED = 7


@dataclass(frozen=True, slots=True)
class Share:
    """A mean with its 95 % bootstrap interval; `n` values went in."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def share(values: Sequence[bool | float]) -> Share:
    """The mean of the values with a percentile bootstrap interval (scipy.stats.bootstrap)."""
    data = np.asarray(values, float)
    if len(data) == 0:
        return Share(float("nan"), float("nan"), float("nan"), 0)
    mean = float(data.mean())
    if len(data) < 2 or data.std() == 0:
        return Share(mean, mean, mean, len(data))
    found = bootstrap((data,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=SEED)
    interval = found.confidence_interval
    return Share(mean, float(interval.low), float(interval.high), len(data))


def difference(ours: Sequence[bool | float], theirs: Sequence[bool | float]) -> Share:
    """The mean paired difference ours − theirs, case by case, with its interval."""
    return share((np.asarray(ours, float) - np.asarray(theirs, float)).tolist())


def calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 5) -> float:
    """Debiased expected calibration error over equal-mass bins (Kumar, Liang and Ma, 2019).

    The squared error of each bin is lowered by the variance that its finite size explains; below 0 counts as 0.
    """
    order = np.argsort(confidence, kind="stable")
    p, y = np.asarray(confidence, float)[order], np.asarray(right, float)[order]
    total = 0.0
    for part_p, part_y in zip(np.array_split(p, bins), np.array_split(y, bins), strict=True):
        if len(part_y) < 2:
            continue
        gap = (part_p.mean() - part_y.mean()) ** 2
        noise = part_y.mean() * (1 - part_y.mean()) / (len(part_y) - 1)
        total += len(part_y) / len(y) * max(gap - noise, 0.0)
    return float(np.sqrt(total))
