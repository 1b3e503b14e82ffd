"""`casebook ingest`: files, folders and addresses → drafts, one line a source."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from app.case_pages import case_page
from app.casefile import SavedCase
from ingest.model_drafts import Improver, Model
from ingest.pool import Content
from ingest.run import Outcome, files_of, ingest
from kb.errors import InputError

Say = Callable[[str], None]


def run(
    sources: Sequence[str],
    into: Path,
    out: Say,
    note: Say,
    model: Model | None = None,
    cases: Sequence[SavedCase] = (),
) -> int:
    """Draft every source into the folder; results go to `out`, the rest to `note`. Returns the exit status.

    `model` fills fields that the rules leave open; `cases` are drafted as pages that tell what was asked and helped.

    0: every source was read, also where there is no incident in it. 2: a source could not be read; the rest was.
    """
    drafts = new = nothing = bad = 0
    improver = Improver(model) if model else None
    pages = ((f"case-{case.case}.md", case_page(case).encode()) for case in cases)
    for outcome in ingest(chain(_contents(sources, into), pages), into, improve=improver):
        for line in _lines(outcome):
            out(line)
        if outcome.error:
            note(f"casebook: {outcome.error}")
        drafts, new = drafts + len(outcome.drafts), new + sum(d.new for d in outcome.drafts)
        nothing, bad = nothing + len(outcome.none), bad + bool(outcome.error)
    note(f"{new} new drafts in {into}, {drafts - new} there before, {nothing} without an incident, {bad} not read")
    if improver and improver.failure:
        note(f"casebook: drafted by rules alone from there on: {improver.failure}")
    return 2 if bad else 0


def _contents(sources: Sequence[str], into: Path) -> Iterator[tuple[str, Content]]:
    """Name and content of every source; an address is fetched, and kept below `raw/`."""
    for source in sources:
        if "://" in source:
            from ingest.fetch import Fetcher

            try:
                yield source, Fetcher(into / "raw").fetch(source)
            except InputError as error:
                yield source, error
        else:
            yield from files_of([Path(source)])


def _lines(outcome: Outcome) -> Iterator[str]:
    for draft in outcome.drafts:
        state = "" if draft.new else " (there before)"
        yield f"{draft.path}{state}: open: {', '.join(draft.open) or 'none'}"
        if draft.new:
            yield from (f"  note: {note}" for note in draft.notes)
    for reason in outcome.none:
        yield f"{outcome.source}: no incident: {reason}"
