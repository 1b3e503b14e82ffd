"""The HTML report of a run: figures, two plots, every failed case beside what was expected. No script, no network."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from evals.outcomes import Outcome
from kb.types import Incident

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #ccc;padding:.3em .6em;vertical-align:top;text-align:left}"
    "pre{white-space:pre-wrap;margin:0;font-size:12px;max-height:16em;overflow:auto}.ok{color:#176}.bad{color:#a22}"
)
BINS = 10
PLOT = 260  # pixels


def write_report(
    path: Path, table: Mapping[str, str], outcomes: Sequence[Outcome], incidents: Mapping[str, Incident]
) -> None:
    """Write the report of a run to `path`."""
    rows = "".join(f"<tr><td>{escape(n)}</td><td>{escape(v)}</td></tr>" for n, v in table.items())
    failed = [o for o in outcomes if not o.passed]
    cases = "".join(_case(o, incidents) for o in failed)
    page = (
        f"<!doctype html><meta charset=utf-8><title>Casebook evaluation</title><style>{_STYLE}</style>"
        f"<h1>Casebook evaluation</h1><table>{rows}</table>"
        f"<h2>Confidence against how often the first cause is right</h2>{_reliability(outcomes)}"
        f"<h2>Passed by kind</h2>{_bars(outcomes)}"
        f"<h2>{len(failed)} failed of {len(outcomes)}</h2>"
        f"<table><tr><th>case</th><th>question</th><th>expected</th><th>got</th></tr>{cases}</table>"
    )
    path.write_text(page, encoding="utf-8")


def _case(outcome: Outcome, incidents: Mapping[str, Incident]) -> str:
    case = outcome.case
    expected = case.cause if isinstance(case.cause, str) else case.cause.slug if case.cause else "nothing"
    title = incidents[expected].title.get(case.language) if expected in incidents else "outside the base"
    ranking = "<br>".join(escape(name) for name in outcome.ranking) or "—"
    decidable = "" if case.decidable else " (undecidable)"
    return (
        f"<tr><td>{escape(case.id)}<br>{case.kind} {case.language}{decidable}</td>"
        f"<td><pre>{escape(case.query)}</pre></td>"
        f"<td class=ok>{escape(expected)}<br>{escape(title)}</td>"
        f"<td class=bad>{outcome.verdict} {outcome.confidence:.2f}<br>{ranking}</td></tr>"
    )


def _reliability(outcomes: Sequence[Outcome]) -> str:
    """Points: mean confidence and share right of each tenth; the diagonal is perfect calibration."""
    shown = sorted((o for o in outcomes if o.ranking), key=lambda o: o.confidence)
    size = max(len(shown) // BINS, 1)
    marks = [f'<path d="M0 {PLOT} L{PLOT} 0" stroke="#bbb" fill="none"/>']
    for start in range(0, len(shown), size):
        part = shown[start : start + size]
        x = sum(o.confidence for o in part) / len(part) * PLOT
        y = PLOT - sum(o.right for o in part) / len(part) * PLOT
        marks.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="#2563a8"/>')
    return _svg(PLOT, "".join(marks))


def _bars(outcomes: Sequence[Outcome]) -> str:
    kinds = sorted({o.case.kind for o in outcomes})
    marks = []
    for row, kind in enumerate(kinds):
        mine = [o.passed for o in outcomes if o.case.kind == kind]
        width = sum(mine) / len(mine) * PLOT
        y = row * 26
        marks.append(f'<rect x="110" y="{y}" width="{width:.0f}" height="18" fill="#2563a8"/>')
        label = f"{sum(mine)}/{len(mine)}"
        marks.append(
            f'<text x="0" y="{y + 14}">{escape(kind)}</text><text x="{118 + width:.0f}" y="{y + 14}">{label}</text>'
        )
    return _svg(len(kinds) * 26, "".join(marks), PLOT + 220)


def _svg(height: int, inner: str, width: int = PLOT) -> str:
    return f'<svg width="{width}" height="{height}" style="border:1px solid #ccc;font-size:13px">{inner}</svg>'
