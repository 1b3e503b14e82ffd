"""A saved case whose fix helped → a page that ingest drafts from: what was seen, and what helped."""

import re

from app.casefile import SavedCase
from ingest.duplicates import CONFIRMED

MAX_TEXT = 20_000  # characters of one input
_TITLE = 110
_HEADINGS = {
    "en": (
        "Symptom",
        "Root cause",
        "Solution",
        "This fixed it for the person who asked.",
        "Failure reported in a case",
    ),
    "zh": ("问题现象", "根本原因", "解决方案", "提问者确认：问题已解决。", "一次案例中报告的故障"),
}
_MARK = re.compile(r"^(#{1,6}\s|```|~~~)", re.MULTILINE)
_CITED = re.compile(r"\s*\[\d{1,2}\]")


def case_page(case: SavedCase) -> str:
    """Markdown of a case. Everything in it was redacted when it was kept; headings inside a paste are defused."""
    said = next((f for f in reversed(case.feedback) if f.outcome == "fixed"), None)
    symptom, cause, fix, worked, untitled = _HEADINGS[case.language]
    first = _first_line(case) or untitled
    parts = [f"# {first}", f"## {symptom}", *(_input(i.text) for turn in case.turns for i in turn.inputs)]
    told = next((c for c in case.diagnosis.causes if said and c.incident == said.incident), None)
    if told is not None:
        parts += [f"## {cause}", _CITED.sub("", told.cause), f"## {fix}", _CITED.sub("", told.fix), worked]
        parts.append(f"{CONFIRMED}{told.incident}")
    else:
        parts += [f"## {fix}", worked]
    if said and said.note:
        parts.append(_MARK.sub(r"\\\1", said.note))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _first_line(case: SavedCase) -> str:
    """The question's first line of prose, else the diagnosed error."""
    for turn in case.turns[:1]:
        for one in turn.inputs:
            line = next((row.strip(" #`\t") for row in one.text.split("\n") if row.strip(" #`\t")), "")
            if line:
                return line[:_TITLE]
    return ""


def _input(text: str) -> str:
    """A question as prose; a paste of several lines as code that it cannot break out of."""
    text = text[:MAX_TEXT].strip("\n")
    if text.count("\n") < 2:
        return _MARK.sub(r"\\\1", text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
