"""Page → what it says of one failure, or why it holds none. Pure."""

from collections.abc import Sequence

from ingest.blocks import cue
from ingest.drafts import Findings
from ingest.headings import words_of
from ingest.sentences import Said, error_lines, runs, said
from ingest.stand_ins import stand_in
from ingest.types import Page, Section
from kb.evidence import Input, read

MAX_CODE = 40  # lines of a log that go into a symptom whole
_TEXTS = ("symptom", "tried", "check", "cause", "analysis", "fix", "prevention")


def page_findings(page: Page) -> Findings | str:
    """The findings of a page, or the reason why there is no incident in it."""
    found = Findings()
    for section in page.sections:
        if section.name in (*_TEXTS, "setting"):
            found.texts.setdefault(section.name, []).append((section.start, section.end))
    named = set(found.texts)
    stand_in(page, found)
    named |= found.texts.keys() & {"symptom", "cause", "fix"}
    _lead(page, found)
    if not ({"fix", "cause"} & named):
        _from_sentences(page, found)
    reason = no_incident(page, found, named)
    if reason:
        return reason
    found.texts["symptom"] = [error_lines_if_code(page.text, s, e) for s, e in found.texts["symptom"]]
    told = "\n".join(page.text[s:e] for n in ("cause", "fix", "prevention") for s, e in found.texts.get(n, []))
    if cue("worked").search(told):
        found.fix_status = "reported"
    if not cue("first_person").search(page.article):
        found.notes.append("second-hand: told by somebody who does not say that they were there")
    return found


def error_lines_if_code(text: str, start: int, end: int) -> tuple[int, int]:
    """A slice that is one long block of code, cut to its last failure."""
    return error_lines(text, start, end, MAX_CODE, MAX_CODE) if text.startswith("```", start) else (start, end)


def _lead(page: Page, found: Findings) -> None:
    """What stands before the first part that is named counts as symptom where no heading says which part is."""
    if "symptom" in found.texts:
        return
    lead: list[Section] = []
    for section in page.sections:
        if section.name in ("cause", "fix", "check", "tried", "prevention", "analysis"):
            break
        if section.name == "":
            lead.append(section)
    slices = [(s.start, s.end) for s in lead if _failed(s.text) or _failed(s.heading)]
    if slices and {"cause", "fix"} & set(found.texts):
        found.texts["symptom"] = slices[:3]


def _failed(text: str) -> bool:
    return cue("fails").search(text) is not None


def _from_sentences(page: Page, found: Findings) -> None:
    """Symptom, cause and fix of an article without headings that say so: by what its sentences do."""
    every = [
        part for s in page.sections if s.name not in ("aside", "prevention") for part in said(page.text, s.start, s.end)
    ]
    fixes = [p for p in every if "fixed" in p or ("advice" in p and "caused" not in p)]
    strong = [p for p in every if "fixed" in p]
    causes = [p for p in every if "caused" in p] or [p for p in every if "because" in p and "fixed" not in p]
    first = next((i for i, p in enumerate(every) if p in strong or "caused" in p), len(every))
    fixes = _with_what_follows(every, strong or fixes)
    fixes = [p for p in fixes if p not in causes or "fixed" in p]
    seen = _told_before(page.text, every[:first])
    if "symptom" not in found.texts and seen:
        found.texts["symptom"] = runs(page.text, seen[:12], every)
    if fixes and "fix" not in found.texts:
        found.texts["fix"] = runs(page.text, fixes[:12], every)
    if causes and "cause" not in found.texts:
        found.texts["cause"] = runs(page.text, causes[:4], every)


def _told_before(text: str, parts: Sequence[Said]) -> list[Said]:
    """What is told before the cause, from the paragraph on that first speaks of a failure."""
    at = next((i for i, p in enumerate(parts) if p.code or "fails" in p), len(parts))
    while 0 < at < len(parts) and "\n" not in text[parts[at - 1].end : parts[at].start]:
        at -= 1
    return list(parts[at:])


def _with_what_follows(every: Sequence[Said], chosen: Sequence[Said]) -> list[Said]:
    """With the code, and after a colon the list, that a sentence introduces."""
    out: list[Said] = []
    mine = {id(p) for p in chosen}
    follows = False
    for before, part in zip([None, *every], every, strict=False):
        if id(part) in mine:
            out.append(part)
            follows = True
        elif follows and (part.code or (before is not None and (before.opens or before.item) and part.item)):
            out.append(part)
        else:
            follows = False
    return out


def no_incident(page: Page, found: Findings, named: set[str]) -> str | None:
    """Why a page holds no incident; None where it holds one."""
    title = page.title
    problem = cue("problem_titles").search(title) is not None
    if cue("several_titles").search(title):
        return "several problems on one page: save each apart"
    guide = sum(1 for s in page.sections if cue("guide_headings").match(words_of(s.heading)))
    told = {"symptom"} <= named and bool({"cause", "fix"} & named)
    if cue("news_titles").search(title) and not (told and problem):
        return "news or release notes: nothing that failed is told"
    if cue("howto_titles").search(title) and not problem:
        return "instructions: the title names no failure"
    if guide >= 3 and not (told and problem):
        return "instructions: its parts are steps, not a failure"
    if not ({"cause", "fix"} & set(found.texts)):
        return "it names neither a cause nor a fix"
    if "symptom" not in found.texts:
        return "it tells of nothing that failed"
    if not _enough(page, found, problem, told):
        return "it tells of nothing that failed in software that we know"
    return None


def _enough(page: Page, found: Findings, problem: bool, told: bool) -> bool:
    """Whether what would be the symptom is a failure: by a title or headings that say so, or an error that is shown.

    An article that only talks of problems must also name software of our vocabulary.
    """
    text = "\n".join([page.title, *(page.text[s:e] for s, e in found.texts["symptom"])])
    if told:
        return problem or _failed(text)
    evidence = read([Input("symptom", text)]).evidence
    shown = bool(evidence.initiating_error or any(s.seen_in != "words" for s in evidence.signals))
    known = bool(evidence.mentions.components or evidence.mentions.models or evidence.mentions.hardware)
    if problem:
        return known or shown
    own = cue("first_person").search(text) is not None and {"cause", "fix"} <= set(found.texts)
    return shown and known and own
