"""The metrics of a log as a small picture: one curve each, the places without a number marked."""

import io
import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from kb.evidence.model import MetricSeries

WANTED = ("loss", "grad_norm", "learning_rate", "eval_loss", "reward")  # the first three that were logged
MOST, LEAST_POINTS = 3, 4
WIDTH, HEIGHT, LEFT, TOP = 900, 170, 90, 30
INK, LINE, BAD, GRID = "#1d1c1d", "#1264a3", "#e01e5a", "#dddddd"


def picture(metrics: Mapping[str, MetricSeries]) -> bytes | None:
    """A PNG, None where no metric has LEAST_POINTS points."""
    names = [n for n in WANTED if n in metrics and len(metrics[n].values) >= LEAST_POINTS][:MOST]
    if not names:
        return None
    image = Image.new("RGB", (WIDTH, HEIGHT * len(names)), "white")
    draw = ImageDraw.Draw(image)
    for row, name in enumerate(names):
        _curve(draw, name, metrics[name], row * HEIGHT)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _curve(draw: ImageDraw.ImageDraw, name: str, series: MetricSeries, top: int) -> None:
    font = ImageFont.load_default(15)
    values = [float(v) for v in series.values]
    finite = [v for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    box = (LEFT, top + TOP, WIDTH - 20, top + HEIGHT - 25)
    draw.text((LEFT, top + 7), name, INK, font)
    draw.rectangle(box, outline=GRID)
    draw.text((8, box[1] - 4), f"{high:.3g}", INK, font)
    draw.text((8, box[3] - 14), f"{low:.3g}", INK, font)
    draw.text((LEFT, box[3] + 3), f"{series.steps[0]:g}", INK, font)
    draw.text((box[2] - 60, box[3] + 3), f"{series.steps[-1]:g}", INK, font)
    points = _points(series.steps, values, (low, high), box)
    for run in _runs(points):
        if len(run) > 1:
            draw.line(run, LINE, 2, joint="curve")
        for x, y in run:
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), LINE)
    for (x, _), value in zip(points, values, strict=True):
        if not math.isfinite(value):
            draw.line((x, box[1], x, box[3]), BAD, 1)


def _points(
    steps: Sequence[float], values: Sequence[float], ends: tuple[float, float], box: tuple[int, int, int, int]
) -> list[tuple[float, float]]:
    first, span = steps[0], (steps[-1] - steps[0]) or 1.0
    low, height = ends[0], (ends[1] - ends[0]) or 1.0
    inner = box[3] - box[1] - 8
    return [
        (
            box[0] + 4 + (step - first) / span * (box[2] - box[0] - 8),
            box[3] - 4 - (value - low) / height * inner if math.isfinite(value) else math.nan,
        )
        for step, value in zip(steps, values, strict=True)
    ]


def _runs(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The points between two gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if math.isnan(point[1]):
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]
