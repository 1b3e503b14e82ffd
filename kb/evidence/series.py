"""Logged numbers kept in bounded memory, so that every row of a log of any length still counts.

A column keeps its rows exactly up to LIMIT; beyond, neighbours are merged into buckets that remember their lowest
and highest value and whether one was NaN or infinite. Shapes are read from the buckets: for a log of ordinary
length a bucket is a row.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kb.evidence.model import MAX_METRIC_POINTS, MetricSeries

LIMIT = 4096
Floats = NDArray[np.float64]
_ROW, _LINE, _STEP, _EPOCH, _LOW, _HIGH, _NAN, _INF = range(8)


@dataclass(frozen=True)
class Series:
    """One metric of one input, in order: `low` and `high` of each bucket (equal where a bucket is one row).

    `row` counts metric rows of the input, `line` raw lines; `nan` and `inf` say that a bucket held one.
    `low` and `high` are NaN where a bucket held no finite value.
    """

    row: Floats
    line: Floats
    step: Floats
    epoch: Floats
    low: Floats
    high: Floats
    nan: NDArray[np.bool_]
    inf: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Buckets with a finite value."""
        return np.isfinite(self.high)

    @property
    def middle(self) -> Floats:
        """The middle of each bucket: the value, where it is one row."""
        return (self.low + self.high) / 2

    def at(self, chosen: NDArray[np.bool_] | slice | list[int]) -> "Series":
        """The chosen buckets."""
        floats = (self.row, self.line, self.step, self.epoch, self.low, self.high)
        row, line, step, epoch, low, high = (values[chosen] for values in floats)
        return Series(row, line, step, epoch, low, high, self.nan[chosen], self.inf[chosen])


@dataclass
class Column:
    """The growing numbers of one metric."""

    fresh: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    _buckets: Floats | None = None
    _stride: int = 1

    def add(self, row: int, line: int, step: float, epoch: float, value: float) -> None:
        """Append one value of one row; `step` is NaN where the row names none."""
        self.fresh.append((row, line, step, epoch, value))
        if len(self.fresh) >= 2 * LIMIT:
            self._pack()

    def add_many(self, rows: Floats) -> None:
        """Append rows given as columns row, line, step, epoch, value."""
        self._pack()
        self._append(rows)
        self._pack()

    def _append(self, rows: Floats) -> None:
        new = _merge(_singles(rows), self._stride)
        self._buckets = new if self._buckets is None else np.concatenate([self._buckets, new], axis=1)

    def _pack(self) -> None:
        if self.fresh:
            self._append(np.array(self.fresh, dtype=np.float64).T)
            self.fresh = []
        while self._buckets is not None and self._buckets.shape[1] > 2 * LIMIT:
            self._buckets, self._stride = _merge(self._buckets, 2), self._stride * 2

    def series(self) -> Series:
        """Everything added so far."""
        self._pack()
        b = self._buckets if self._buckets is not None else np.empty((8, 0))
        return Series(b[_ROW], b[_LINE], b[_STEP], b[_EPOCH], b[_LOW], b[_HIGH], b[_NAN] > 0, b[_INF] > 0)


def _singles(table: Floats) -> Floats:
    value = table[4]
    kept = np.where(np.isfinite(value), value, np.nan)
    return np.vstack([table[:4], kept, kept, np.isnan(value), np.isinf(value)])


def _merge(buckets: Floats, by: int) -> Floats:
    if by == 1:
        return buckets
    starts = np.arange(0, buckets.shape[1], by)
    out = buckets[:, starts].copy()
    out[_LOW] = np.fmin.reduceat(buckets[_LOW], starts)
    out[_HIGH] = np.fmax.reduceat(buckets[_HIGH], starts)
    out[_NAN] = np.maximum.reduceat(buckets[_NAN], starts)
    out[_INF] = np.maximum.reduceat(buckets[_INF], starts)
    return out


def published(series: Series) -> MetricSeries:
    """At most MAX_METRIC_POINTS points: the first, the last, the extremes, and the rest evenly."""
    count = len(series)
    chosen = np.arange(count)
    if count > MAX_METRIC_POINTS:
        even = np.linspace(0, count - 1, MAX_METRIC_POINTS - 4).astype(int)
        ends = [int(np.nanargmax(series.high)), int(np.nanargmin(series.low))] if series.finite.any() else []
        first_bad = np.flatnonzero(series.nan | series.inf)[:2].tolist()
        chosen = np.unique(np.concatenate([even, np.array(ends + first_bad, dtype=int)]))
    at = series.at(chosen.tolist())
    steps = np.where(np.isnan(at.step), at.row, at.step)
    shown = zip(at.nan.tolist(), at.inf.tolist(), at.low.tolist(), at.high.tolist(), strict=True)
    values = tuple(_shown(nan, inf, low, high) for nan, inf, low, high in shown)
    return MetricSeries(steps=tuple(steps.tolist()), values=values)


def _shown(nan: bool, inf: bool, low: float, high: float) -> float | str:
    if nan:
        return "nan"
    if inf or math.isnan(high):
        return "inf"
    return high if abs(high) >= abs(low) else low
