"""What of a library should be looked at again: dated rules, each finding says why."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime

from kb.check import Problem
from kb.library import Library
from kb.types import Incident, VersionFact
from kb.versions import newer

READ_DAYS = 365  # after which a source may say something else: threads go on, documents change
SUSPECTED_DAYS = 180  # a cause that is only suspected, or a fix nobody tried, after the last look at it
BEHIND = 3  # minor releases that the base knows of a component since a fix was released


def stale_incidents(library: Library, today: date | None = None) -> list[Problem]:
    """The findings for incidents that are not retired, ordered by file. `today` for tests."""
    now = today or datetime.now(UTC).date()
    newest = _newest(library)
    return sorted(
        Problem(str(library.paths[i.id]), field, message)
        for i in library.incidents.values()
        if i.status != "retired"
        for rule in _RULES
        for field, message in rule(i, now, newest)
    )


def _old_sources(incident: Incident, today: date, newest: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for source in incident.sources:
        days = (today - source.read_on).days
        if days > READ_DAYS:
            yield f"sources.{source.n}", f"read {days} days ago ({source.read_on}): read it again"


def _excerpts(incident: Incident, today: date, newest: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if incident.fix_status == "confirmed" and not any(s.read == "full" for s in incident.sources):
        yield "sources", "the fix is called confirmed and no source was read in full: read one"


def _undecided(incident: Incident, today: date, newest: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    seen = max([*(r.on for r in incident.reviews), *(s.read_on for s in incident.sources)])
    days = (today - seen).days
    if days > SUSPECTED_DAYS and (incident.cause_status != "observed" or incident.fix_status == "untested"):
        what = "the cause is suspected" if incident.cause_status != "observed" else "nobody tried the fix"
        yield (
            "cause_status" if incident.cause_status != "observed" else "fix_status",
            (f"{what}, and nobody looked for {days} days: has the thread been closed, a change been merged?"),
        )


def _unfixed_versions(incident: Incident, today: date, newest: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for number, fact in enumerate(incident.versions):
        latest = newest.get(fact.component)
        if latest and fact.fixed_in and fact.scheme == "pep440":
            behind = _minors(latest) - _minors(fact.fixed_in)
            if behind >= BEHIND:
                yield (
                    f"versions.{number}",
                    (
                        f"fixed in {fact.component} {fact.fixed_in}, the base knows {latest}: retire it, or say who "
                        "still has it"
                    ),
                )


def _newest(library: Library) -> dict[str, str]:
    """The newest version of every component that the base names as one with a fix."""
    named: dict[str, list[VersionFact]] = defaultdict(list)
    for incident in library.incidents.values():
        for fact in incident.versions:
            if fact.scheme == "pep440" and fact.fixed_in:
                named[fact.component].append(fact)
    found: dict[str, str] = {}
    for component, facts in named.items():
        for fact in facts:
            if component not in found or newer(str(fact.fixed_in), found[component]):
                found[component] = str(fact.fixed_in)
    return found


def _minors(version: str) -> int:
    """A version as one number in which a minor release counts one and a major one ten."""
    parts = [int(p) if p.isdigit() else 0 for p in version.lstrip("v").split(".")[:2]]
    return parts[0] * 10 + (parts[1] if len(parts) > 1 else 0)


_RULES: tuple[Callable[[Incident, date, Mapping[str, str]], Iterator[tuple[str, str]]], ...] = (
    _old_sources,
    _excerpts,
    _undecided,
    _unfixed_versions,
)
