"""Parts of an article without a heading of their own → where else the article tells them. Pure."""

import re
from functools import cache

from ingest.blocks import blocks, cue, table
from ingest.drafts import Findings
from ingest.headings import words_of
from ingest.sentences import Said, runs, said
from ingest.types import Page, Section

_LEAST = 12  # characters of a sentence that can explain
_INVESTIGATION = ("tried", "analysis")


@cache
def _rules() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    return tuple(
        (r["part"], tuple(r["before"]), re.compile(r["re"], re.IGNORECASE)) for r in table("cues")["stand_ins"]
    )


def stand_in(page: Page, found: Findings) -> None:
    """Give a missing symptom, cause or fix the section that stands for it, then what an investigation found."""
    for part, before, pattern in _rules():
        if part in found.texts:
            continue
        section = next((s for s in page.sections if pattern.fullmatch(words_of(s.heading))), None)
        if section is None or not _stands_before(page, section, before):
            continue
        if part == "symptom" and not cue("fails").search(section.text) and not cue("problem_titles").search(page.title):
            continue
        place = (section.start, section.end)
        found.texts = {n: kept for n, slices in found.texts.items() if (kept := [s for s in slices if s != place])}
        found.texts[part] = [place]
    if "cause" not in found.texts and "fix" in found.texts:
        _found_last(page, found)


def _stands_before(page: Page, section: Section, others: tuple[str, ...]) -> bool:
    return all(section.start < s.start for s in page.sections if s.name in others and s is not section)


def _found_last(page: Page, found: Findings) -> None:
    """What an investigation ends with is the cause: what its last paragraphs of prose explain."""
    for section in reversed(page.sections):
        if section.name not in _INVESTIGATION:
            continue
        parts = said(page.text, section.start, section.end)
        last = _after_code(page.text, section, parts)
        if explained := [p for p in last if _explains(p)]:
            found.texts["cause"] = runs(page.text, explained[:4], parts)
            return


def _after_code(text: str, section: Section, parts: list[Said]) -> list[Said]:
    """The sentences below the last code of a section; of one without code those of its last paragraph."""
    shown = [p.end for p in parts if p.code]
    if shown:
        return [p for p in parts if p.start >= shown[-1] and not p.code]
    prose = [b for b in blocks(text, section.start, section.end) if b.kind == "prose"]
    return [p for p in parts if prose and p.start >= prose[-1].start and "caused" in p]


def _explains(part: Said) -> bool:
    if "asks" in part or part.opens or part.item or len(part.text) < _LEAST or cue("filler").match(part.text):
        return False
    if "denies" in part and "caused" not in part:
        return False
    return bool(part.does & {"caused", "because"}) or cue("mechanism").search(part.text) is not None
