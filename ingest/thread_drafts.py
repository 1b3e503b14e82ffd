"""Thread → who reported what, what was tried, what the cause is said to be, and what fixed it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ingest.answers import FLOOR, SEEN, explanation, seen_in
from ingest.blocks import cue
from ingest.drafts import Findings
from ingest.gate import holds_incident, thread_signs
from ingest.sentences import Said, error_lines, runs
from ingest.thread_fix import Choice, find_fix
from ingest.told import Told, is_bare, shows_error, tell
from ingest.types import Field, Span, Thread

LONG_LOG, MAX_SYMPTOM, MAX_FIX, MAX_CAUSE = 30, 14, 10, 4  # lines of a log; sentences and blocks of a field
LEAST_WHY = -3.4  # log-odds of a cause that is taken for want of a clearer one
GUESSED = -4.0  # log-odds that a cause loses where it stands in the report itself, the fix elsewhere
_UPDATE = re.compile(
    r"^\W*(?:edit|update|updated|solved|solution|resolved|fixed|补充|更新|已解决|解决(?:了|方法|办法|方案)?)[\W\d]{0,16}(?:\([^)\n]{0,20}\))?\W*[:：]",
    re.I,
)
_LOG = re.compile(
    r"\W*(?:\(?\w+ pid=\d+\)?\s*)?(?:INFO|DEBUG|WARNING|TRACE)\b|\[?\d{4}-\d\d-\d\d[ T]|\d\d:\d\d:\d\d|\S+:\d+:\d+ \["
)
_SETTING = re.compile(
    r"[-*\s]*`?[\w ./+-]{1,40}`?\s*(?:[:：=]{1,2}|version)\s*.{0,60}|[\w.+-]+[ ,]+v?\d+(?:\.\d+)+.{0,50}"
)


def thread_findings(thread: Thread) -> Findings | str:
    """The findings of a thread, or the reason why there is no incident in it."""
    told = tell(thread)
    if not told:
        return "only programs wrote in it"
    first = told[0]
    update = update_of(first)
    choice, logit = find_fix(thread, told, update)
    if reason := _no_incident(thread, told, logit):
        return reason
    found = Findings()
    _symptom(thread, first, update, found)
    if choice:
        found.texts["fix"] = runs(thread.text, choice.parts[:MAX_FIX], choice.told.parts)
        found.fix_status = choice.status
        found.notes.append(f"fix: {choice.why}")
    else:
        found.notes.append("no fix is stated in the thread")
    _cause(thread, told, choice, update, found)
    _tried(thread, told, choice, found)
    _changes(thread, found)
    if thread.missing > 0:
        found.notes.append(f"{thread.missing} comments of the thread are not in the file")
    return found


# --- is there an incident --------------------------------------------------


def _no_incident(thread: Thread, told: Sequence[Told], choice: float) -> str | None:
    """Why a thread holds no incident; None where it holds one."""
    if cue("tagged_titles").search(thread.title):
        return "marked as a guide or an announcement"
    if not holds_incident("thread", thread_signs(thread, told, choice)):
        return "a request, a question, an announcement: nothing failed"
    return None


# --- what was seen ---------------------------------------------------------


def update_of(first: Told) -> int:
    """The index of the first part of the opening post that was added when the matter was settled."""
    for i, part in enumerate(first.parts):
        if i and (_UPDATE.match(part.text) or (part.section == "fix" and i > 1)):
            return i
    return len(first.parts)


def _symptom(thread: Thread, first: Told, update: int, found: Findings) -> None:
    parts = first.parts[:update]
    by_heading = [p for p in parts if p.section == "symptom"]
    by_heading = by_heading if any(not p.code and not _is_noise(p) for p in by_heading) else []
    usable = [p for p in by_heading or parts if not (_is_setting(p) or _is_noise(p) or "tries" in p)]
    chosen = seen_in(usable) or usable or parts
    titled = [p for p in chosen if p.text.strip(" *_") != thread.title]  # a chat's first line is its title
    chosen = titled if any(not p.code for p in titled) else chosen
    errors = [p for p in parts if p.code and p not in chosen and shows_error(p.text)][:1]
    kept = sorted(
        [*[p for p in chosen if not p.code or shows_error(p.text) or len(chosen) <= 3][:MAX_SYMPTOM], *errors],
        key=lambda p: p.start,
    )
    slices: list[tuple[int, int]] = []
    slices += runs(thread.text, [p for p in kept if not p.code], first.parts)
    slices += [error_lines(thread.text, p.start, p.end, LONG_LOG - 4, LONG_LOG) for p in kept if p.code]
    if slices:
        found.texts["symptom"] = sorted(slices)
    for name in ("cause", "fix", "analysis"):
        if mine := [p for p in parts if p.section == name]:
            found.texts[name] = runs(thread.text, mine, first.parts)
    if setting := [p for p in parts if p.section == "setting"]:
        found.texts["setting"] = [(setting[0].start, setting[-1].end)]


def _is_noise(part: Said) -> bool:
    """A line of a log without a failure in it, outside a block of code."""
    return not part.code and _LOG.match(part.text) is not None and not shows_error(part.text)


def _is_setting(part: Said) -> bool:
    """A line such as `torch 2.1.0`, `- OS: Ubuntu` that only names the surroundings."""
    named = not (part.code or "fails" in part or part.seen > SEEN) and len(part.text) < 80
    return named and bool(_SETTING.fullmatch(part.text))


# --- why -------------------------------------------------------------------


def _cause(thread: Thread, told: Sequence[Told], choice: Choice | None, update: int, found: Findings) -> None:
    """The sentences of the post that says best why: by how they sound, who says them, and where the fix stands."""
    if "cause" in found.texts:
        return
    best: tuple[float, list[Said], Told] | None = None
    for one in told:
        late = one is told[0] and update < len(one.parts)  # what was added stands under no heading of the form
        parts = explanation([replace(p, section=None) for p in one.parts[update:]] if late else one.parts)
        parts = [p for p in parts if ("asks" not in p or p.why > 0) and not _leads_nowhere(p, one)]
        if parts and (weight := max(p.why for p in parts) + _standing(one, choice, late)) > (
            best[0] if best else FLOOR
        ):
            best = weight, parts, one
    if best:
        found.texts["cause"] = runs(thread.text, best[1][:MAX_CAUSE], best[2].parts)
    elif choice and choice.told.number and (parts := _likeliest(told, choice)):
        found.texts["cause"] = runs(thread.text, parts, parts)


def _likeliest(told: Sequence[Told], choice: Choice) -> list[Said]:
    """The likeliest explanation by the writer of the fix, where none is clear."""
    mine = [t for t in told if t.number and t.post.author == choice.told.post.author]
    parts = [p for t in mine for p in t.parts if p.why > LEAST_WHY and not any(p is f for f in choice.parts)]
    parts = [p for p in parts if "asks" not in p and not is_bare(p)]
    return [max(parts, key=lambda p: p.why)] if parts else []


def _standing(one: Told, choice: Choice | None, late: bool) -> float:
    """How much a post's word counts for the cause: that of the fix most, then what its writer says elsewhere.

    Least counts what a report guesses; not what was added to it `late`.
    """
    if choice and one.number == choice.told.number:
        return 4.0
    standing = 2.0 if choice and one.post.author == choice.told.post.author else 0.0
    if one.number == 0 and not late:
        standing = GUESSED
    standing -= 1.0 if choice and one.number > choice.told.number and one.post.role == "other" else 0.0
    return standing + (1.0 if one.post.accepted else 0.0) + min(one.post.approval, 3) * 0.3


def _leads_nowhere(part: Said, one: Told) -> bool:
    """Whether a sentence ends with a colon, and a picture or nothing follows."""
    if not part.opens:
        return False
    at = [p.start for p in one.parts].index(part.start) + 1
    return not (at < len(one.parts) and (one.parts[at].code or one.parts[at].item))


# --- the rest --------------------------------------------------------------


def _tried(thread: Thread, told: Sequence[Told], choice: Choice | None, found: Findings) -> None:
    """What the reporter says did not help, and the advice that they answered with a no."""
    taken = {id(p) for p in choice.parts} if choice else set()
    seen = found.texts.get("symptom", [])
    slices: list[tuple[int, int]] = []
    for one in (t for t in told if t.post.role == "reporter"):
        mine = [
            p
            for p in one.parts
            if p.section == "tried"
            or (("tries" in p or "acted" in p) and ("denies" in p or one is told[0]) and "tries" in p)
        ]
        mine += [p for p in one.parts if "denies" in p and "acted" in p and p not in mine]
        slices += runs(
            thread.text, [p for p in mine if id(p) not in taken and not p.code and not _within(p, seen)], one.parts
        )
    if slices:
        found.texts["tried"] = sorted(set(slices))[:8]


def _within(part: Said, slices: Sequence[tuple[int, int]]) -> bool:
    return any(start <= part.start < end for start, end in slices)


def _changes(thread: Thread, found: Findings) -> None:
    if thread.changes:
        found.marks["changes"] = tuple(
            Field(f"{c.url}{' (merged)' if c.merged else ''}", (Span(thread.digest, c.start, c.end),))
            for c in thread.changes[:20]
        )
