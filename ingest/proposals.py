"""A draft's file → the text that a curator starts from: every required field is there, open ones to be filled in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.types import Draft
from kb import yamlio
from kb.errors import IncidentError
from kb.types import SECTIONS
from kb.writeups import CITATION, HEADINGS

OPEN = "?"  # stands where a curator has to decide; the format refuses it
_REQUIRED: Mapping[str, Any] = {
    "area": OPEN, "phases": [OPEN], "loud": OPEN, "components": [OPEN], "cause_kind": OPEN, "cause_status": OPEN,
    "fix_status": OPEN,
}  # fmt: skip
_ORDER = ("id", "title", "area", "phases", "loud", "components", "models", "symptom_groups", "signals", "signatures",
          "config", "versions", "cause_kind", "cause_status", "fix_status", "rivals", "sources", "status")  # fmt: skip
CHOICES = (
    "area: training data memory distributed serving quantization environment",
    "phases: install data launch step checkpoint export serving",
    "cause_kind: data config bug dtype communication memory hardware expected",
    "cause_status: observed suspected disputed",
    "fix_status: confirmed reported untested",
)


def proposal(text: str, draft: Draft, path: Path) -> str:
    """The draft's file with what it lacks marked; a text that was edited stays as it is.

    Raises IncidentError where the front matter cannot be read.
    """
    parts = text.split("\n---\n", 1)
    if not text.startswith("---\n") or len(parts) < 2:
        raise IncidentError(path, 1, "front matter", "needs a line --- before and after it")
    front, _ = yamlio.load(parts[0].removeprefix("---\n"), path, first_line=2)
    if not isinstance(front, dict) or "area" in front:
        return text
    whole = {**_REQUIRED, **front, "sources": [_shown(s, draft) for s in front.get("sources", ())]}
    ordered = {name: whole[name] for name in _ORDER if name in whole}
    return f"---\n{yamlio.dump(ordered)}---\n{_body(parts[1], draft, len(ordered['sources']))}"


def _shown(source: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """A source with what it shows: of one that was read, its own title."""
    read = source.get("read") != "listed"
    words = draft.value("title") or draft.origin.name
    named = {"en": "named by the first source; not read", "zh": "第一个来源提到它；尚未阅读"}
    return {**source, "shows": source.get("shows") or {draft.lang: words if read else named[draft.lang]}}


def _body(body: str, draft: Draft, sources: int) -> str:
    """The sections in order, empty ones with their heading; symptom, cause and fix cite the source they come from."""
    found = _sections(body, draft)
    out = [f"# {draft.lang}"]
    for name, heading in zip(SECTIONS, HEADINGS[draft.lang], strict=True):
        text = found.get(name, "")
        if text and name in ("symptom", "cause", "fix") and not CITATION.search(text):
            numbers = ", ".join(str(n) for n in range(1, sources + 1)) if name == "symptom" else "1"
            text += f"\n\n[{numbers}]"
        out += ["", f"## {heading}", text]
    return "\n".join(out).rstrip() + "\n"


def _sections(body: str, draft: Draft) -> dict[str, str]:
    """The text under each of our headings, fences respected."""
    names = dict(zip(HEADINGS[draft.lang], SECTIONS, strict=True))
    found: dict[str, list[str]] = {}
    name, fence = "", ""
    for line in body.split("\n"):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and (not fence or mark == fence):
            fence = "" if fence else mark
        elif not fence and line.startswith("## ") and line[3:].strip() in names:
            name = names[line[3:].strip()]
            continue
        if name:
            found.setdefault(name, []).append(line)
    return {name: "\n".join(rows).strip("\n") for name, rows in found.items()}
