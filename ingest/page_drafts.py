"""Page → what it says of one failure, or why it holds none. Pure.

Headings that name a part of an incident give it whole. What no heading names is looked for in the other sections by
how sentences sound in their place; and whether all of it is an incident is for ingest/gate.py to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ingest.answers import explanation, remedy, seen_in
from ingest.blocks import cue
from ingest.drafts import Findings
from ingest.gate import holds_incident, page_signs
from ingest.sentences import NOTHING, Said, error_lines, runs, said
from ingest.stand_ins import stand_in
from ingest.told import shows_error
from ingest.types import Page, Section
from ingest.weighing import Judge, judge

MAX_CODE, MAX_SYMPTOM, MAX_CAUSE, MAX_FIX = 40, 12, 4, 12  # lines of a log that go in whole; sentences of a part
_TEXTS = ("symptom", "tried", "check", "cause", "analysis", "fix", "prevention")
_LEAST = {"symptom": -6.0, "cause": -3.0, "fix": -4.5}  # log-odds of the best sentence of a part that no heading names
_APART = {  # sections in which a part is not looked for
    "symptom": {"cause", "fix", "prevention", "aside", "check", "tried"},
    "cause": {"symptom", "fix", "prevention", "aside", "setting"},
    "fix": {"symptom", "aside", "setting", "tried"},
}


@dataclass(frozen=True, slots=True)
class Read:
    """A section with its sentences in their place."""

    section: Section
    parts: Sequence[Said]


def read_sections(page: Page, by: Judge | None = None) -> list[Read]:
    """The sections of a page, every sentence weighed. `by`: other models than ours."""
    by = by or judge()
    out = []
    for section, at in zip(page.sections, shares(page), strict=True):
        parts = said(page.text, section.start, section.end)
        placed = [p if p.section or not section.name else replace(p, section=section.name) for p in parts]
        out.append(Read(section, by.weighed(placed, "page", at)))
    return out


def shares(page: Page) -> list[tuple[float, float]]:
    """For every section what share of the article's text stands before it, and up to its end."""
    sizes = [0, *accumulate(len(s.text) for s in page.sections)]
    whole = max(sizes[-1], 1)
    return [(a / whole, b / whole) for a, b in pairwise(sizes)]


def page_findings(page: Page) -> Findings | str:
    """The findings of a page, or the reason why there is no incident in it."""
    found, named, read = parts_of(page)
    if not ({"cause", "fix"} & set(found.texts)):
        return "it names neither a cause nor a fix"
    if "symptom" not in found.texts:
        return "it tells of nothing that failed"
    if not holds_incident("page", signs_of(page, found, named, read)):
        return "instructions, news, several problems, or nothing that failed"
    found.texts["symptom"] = [error_lines_if_code(page.text, s, e) for s, e in found.texts["symptom"]]
    told = "\n".join(page.text[s:e] for n in ("cause", "fix", "prevention") for s, e in found.texts.get(n, []))
    if cue("worked").search(told):
        found.fix_status = "reported"
    if not cue("first_person").search(page.article):
        found.notes.append("second-hand: told by somebody who does not say that they were there")
    return found


def parts_of(page: Page, by: Judge | None = None) -> tuple[Findings, set[str], list[Read]]:
    """What would be the parts of an incident, which of them headings name, and the sections."""
    found = Findings()
    for section in page.sections:
        if section.name in (*_TEXTS, "setting"):
            found.texts.setdefault(section.name, []).append((section.start, section.end))
    named = set(found.texts)
    stand_in(page, found)
    named |= found.texts.keys() & {"symptom", "cause", "fix"}
    read = read_sections(page, by)
    _fill(page, found, read)
    return found, named, read


def signs_of(page: Page, found: Findings, named: set[str], read: Sequence[Read]) -> dict[str, float]:
    """The features by which a page is taken for an incident."""
    symptom = "\n".join(page.text[s:e] for s, e in found.texts.get("symptom", []))
    return page_signs(page, [p for r in read for p in r.parts], named, symptom)


def _fill(page: Page, found: Findings, read: Sequence[Read]) -> None:
    """Cause, fix and symptom that no heading names: from the section whose best sentence is the likeliest."""
    for name, logit, take, most in (
        ("cause", lambda p: p.why, explanation, MAX_CAUSE), ("fix", lambda p: p.how, remedy, MAX_FIX),
    ):  # fmt: skip
        if name in found.texts:
            continue
        some = [r for r in read if r.section.name not in _APART[name]]
        best = max(some, key=lambda r: max(map(logit, r.parts), default=NOTHING), default=None)
        if best is None or max(map(logit, best.parts), default=NOTHING) < _LEAST[name]:
            continue
        free = [replace(p, section=None) for p in best.parts]
        if parts := (take(free) or [max(free, key=logit)])[:most]:
            found.texts[name] = runs(page.text, parts, parts)
            _cut(page, found, name, best)
    if "symptom" not in found.texts:
        _fill_symptom(page, found, read)


def _cut(page: Page, found: Findings, name: str, read: Read) -> None:
    """Where a part was found in the section of another, that other keeps only its own sentences."""
    for other, take in (("cause", explanation), ("analysis", explanation), ("tried", None)):
        place = (read.section.start, read.section.end)
        if other == name or place not in found.texts.get(other, []):
            continue
        own = (
            take([replace(p, section=None) for p in read.parts])
            if take
            else [p for p in read.parts if not any(s <= p.start < e for s, e in found.texts[name])]
        )
        if own:
            kept = [s for s in found.texts[other] if s != place]
            found.texts[other] = sorted([*kept, *runs(page.text, own, read.parts)])


def _fill_symptom(page: Page, found: Findings, read: Sequence[Read]) -> None:
    """What was seen: told before the cause and the fix; where no sentence tells it, a heading that names a failure."""
    ends = min((s for n in ("cause", "fix") for s, _ in found.texts.get(n, [])), default=len(page.text))
    some = [p for r in read if r.section.name not in _APART["symptom"] for p in r.parts if p.start < ends]
    every = some or [p for r in read if r.section.name not in ("cause", "fix", "aside") for p in r.parts]
    chosen = [p for p in seen_in([replace(p, section=None) for p in every]) if not p.code or shows_error(p.text)]
    if any(not p.code and p.seen > _LEAST["symptom"] for p in chosen) or (chosen and cue("fails").search(page.title)):
        found.texts["symptom"] = runs(page.text, chosen[:MAX_SYMPTOM], every)
        return
    for r in read:
        at = page.text.rfind(r.section.heading, 0, r.section.start) if r.section.heading else -1
        if at >= 0 and cue("fails").search(r.section.heading):
            found.texts["symptom"] = [(at, at + len(r.section.heading))]
            return


def error_lines_if_code(text: str, start: int, end: int) -> tuple[int, int]:
    """A slice that is one long block of code, cut to its last failure."""
    return error_lines(text, start, end, MAX_CODE, MAX_CODE) if text.startswith("```", start) else (start, end)
