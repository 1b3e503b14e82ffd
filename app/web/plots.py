"""Loss, grad_norm and learning rate as one inline SVG: three small curves over the same steps, the anomaly marked.

No library: a picture of at most 3 × 500 points is text, works offline and takes its colours from the page's CSS.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.web.markup import Markup, render
from app.web.texts import tell
from kb import vocabulary
from kb.evidence.model import Evidence, MetricSeries, SignalSeen
from kb.types import Lang

SHOWN = ("loss", "grad_norm", "learning_rate")
WIDTH, HEIGHT, GAP = 350.0, 58.0, 26.0  # of one curve, and between two
LEFT, RIGHT, TOP = 54.0, 10.0, 22.0
SPREAD = 100.0  # highest over middle value from which the scale is bent, so that small values stay visible
MAX_DOTS = 60


@dataclass(frozen=True, slots=True)
class Anomaly:
    """The steps on which a sign rests, and its name in kb/vocabulary/signals.yaml."""

    metric: str
    first: float
    last: float
    signal: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric in the coordinates of the picture."""

    name: str
    top: float
    path: str
    dots: tuple[tuple[float, float], ...]
    bad: tuple[tuple[float, str], ...]  # x and what was logged there: nan, inf
    ticks: tuple[tuple[float, str], ...]


def anomaly(evidence: Evidence) -> Anomaly | None:
    """Where the curves go wrong: the first sign of the metrics whose logged values stand in a curve shown."""
    for signal in evidence.signals:
        for name in SHOWN:
            found = _window(evidence.metrics[name], signal) if name in evidence.metrics else None
            if found and signal.seen_in != "words":
                return Anomaly(name, *found, signal.name)
    return None


def _window(series: MetricSeries, signal: SignalSeen) -> tuple[float, float] | None:
    """First and last step of the signal's values in the series, one after the other."""
    wanted = [str(v) for v in map(_number, signal.values)]
    if not wanted or "None" in wanted:
        return None
    logged = [str(float(v)) for v in series.values]
    for start in range(len(logged) - len(wanted) + 1):
        if logged[start : start + len(wanted)] == wanted:
            return series.steps[start], series.steps[start + len(wanted) - 1]
    return None


def _number(value: float | str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def plot(evidence: Evidence, lang: Lang) -> Markup:
    """The picture, or nothing where no curve of two points was read."""
    shown = [name for name in SHOWN if len(evidence.metrics.get(name, MetricSeries(steps=(), values=())).steps) > 1]
    if not shown:
        return Markup("")
    steps = [step for name in shown for step in evidence.metrics[name].steps]
    low, high = min(steps), max(steps)
    curves = [_curve(name, evidence.metrics[name], row, low, high) for row, name in enumerate(shown)]
    marked = anomaly(evidence)
    picture = render(
        "plot.html",
        curves=curves,
        mark=_mark(marked, low, high, lang) if marked else None,
        summary="; ".join(_summary(name, evidence.metrics[name], lang) for name in shown),
        width=LEFT + WIDTH + RIGHT,
        height=TOP + len(shown) * (HEIGHT + GAP) + 8,
        left=LEFT,
        right=LEFT + WIDTH,
        row=HEIGHT,
        first=_short(low),
        last=_short(high),
        t=lambda key, **fields: tell(key, lang, **fields),
    )
    return Markup(picture)


def _mark(marked: Anomaly, low: float, high: float, lang: Lang) -> dict[str, float | str]:
    what = str(vocabulary.signals()[marked.signal][lang])
    x, end = _across(marked.first, low, high), _across(marked.last, low, high)
    return {
        "x": round(x, 1),
        "width": round(max(end - x, 1.5), 1),
        "text": tell("plot_anomaly", lang, step=_short(marked.first), what=what),
    }


def _across(step: float, low: float, high: float) -> float:
    return LEFT + (WIDTH * (step - low) / (high - low) if high > low else WIDTH / 2)


def _curve(name: str, series: MetricSeries, row: int, low: float, high: float) -> Curve:
    top = TOP + row * (HEIGHT + GAP)
    values = [float(v) for v in series.values]
    finite = [v for v in values if math.isfinite(v)]
    scale = _Scale(finite)
    points: list[tuple[float, float] | None] = [
        (round(_across(s, low, high), 1), round(top + HEIGHT * (1 - scale.up(v)), 1)) if math.isfinite(v) else None
        for s, v in zip(series.steps, values, strict=True)
    ]
    drawn = tuple(p for p in points if p)
    bad = tuple(
        (round(_across(s, low, high), 1), str(v))
        for s, v in zip(series.steps, values, strict=True)
        if not math.isfinite(v)
    )
    ticks = tuple((round(top + HEIGHT * (1 - scale.up(v)), 1), _short(v)) for v in scale.ticks)
    return Curve(name, top, _path(points), drawn if len(drawn) <= MAX_DOTS else (), bad[:MAX_DOTS], ticks)


class _Scale:
    """Values → 0 (bottom) to 1 (top); asinh where a few values tower over the rest, which keeps zero and sign."""

    def __init__(self, finite: Sequence[float]) -> None:
        sizes = sorted(abs(v) for v in finite if v)
        self._unit = sizes[len(sizes) // 2 if len(sizes) > 2 else 0] if sizes else 1.0
        self._bent = bool(sizes) and sizes[-1] > SPREAD * self._unit
        self._low, self._high = min(finite, default=0.0), max(finite, default=0.0)
        self.ticks: tuple[float, ...] = (self._low, self._high) if self._high > self._low else (self._high,)

    def _bend(self, value: float) -> float:
        return math.asinh(value / self._unit) if self._bent else value

    def up(self, value: float) -> float:
        low, high = self._bend(self._low), self._bend(self._high)
        return (self._bend(value) - low) / (high - low) if high > low else 0.5


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[0]:g} {point[1]:g}")
        pen = "L"
    return "".join(parts)


def _summary(name: str, series: MetricSeries, lang: Lang) -> str:
    first, last = (_short(float(series.values[i])) for i in (0, -1))
    return tell("plot_of", lang, name=name, first=first, last=last, count=len(series.steps))


def _short(value: float) -> str:
    """A number in at most six characters or so: 5230.7 → 5231, 0.00001 → 1e-05."""
    return f"{value:.4g}"
