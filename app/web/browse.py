"""The incident browser's questions to the base: filter, search, rivals of a group. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from app.web.texts import tell
from kb.types import Area, Group, GroupCheck, Incident, Lang
from kb.versions import judge

PAGE = 30


@dataclass(frozen=True, slots=True)
class Filter:
    """What the browser's form asks for; empty strings ask for nothing."""

    q: str = ""
    area: str = ""
    component: str = ""
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a form's list."""

    value: str
    label: str
    count: int


def fitting(incidents: Iterable[Incident], wanted: Filter) -> list[Incident]:
    """The incidents that pass every filter but the words."""
    return [i for i in incidents if i.status != "retired" and _fits(i, wanted)]


def _fits(incident: Incident, wanted: Filter) -> bool:
    return (
        wanted.area in ("", incident.area)
        and (not wanted.component or wanted.component in incident.components)
        and (not wanted.group or wanted.group in incident.symptom_groups)
        and (not wanted.version or not wanted.component or _affected(incident, wanted.component, wanted.version))
    )


def _affected(incident: Incident, component: str, version: str) -> bool:
    """Whether that version of the component has the problem; an incident without such facts is not ruled out."""
    verdicts = [judge(fact, version) for fact in incident.versions if fact.component == component]
    return not verdicts or "affected" in verdicts


def remark(wanted: Filter, lang: Lang) -> str:
    """Why a version filter cannot work, or nothing."""
    if not wanted.version:
        return ""
    if not wanted.component:
        return tell("version_needs", lang)
    readable = any(c.isdigit() for c in wanted.version)
    return "" if readable else tell("version_unread", lang, version=wanted.version, component=wanted.component)


def choices(incidents: Mapping[str, Incident], groups: Mapping[str, Group], lang: Lang) -> dict[str, list[Choice]]:
    """The options of the form, each with its number of incidents."""
    live = [i for i in incidents.values() if i.status != "retired"]
    areas, components = Counter(i.area for i in live), Counter(c for i in live for c in i.components)
    grouped = Counter(g for i in live for g in i.symptom_groups)
    return {
        "area": [Choice(a, tell(f"area_{a}", lang), areas[a]) for a in get_args(Area) if areas[a]],
        "component": [Choice(name, name, count) for name, count in sorted(components.items())],
        "group": sorted(
            (Choice(g, groups[g].title.get(lang), count) for g, count in grouped.items() if g in groups),
            key=lambda c: c.label,
        ),
    }


def rivals(group: Group, incidents: Mapping[str, Incident]) -> list[Incident]:
    """The incidents of a group, those that its checks name first."""
    named = dict.fromkeys(i for check in group.checks for i in (*check.yes, *check.no))
    members = [i.id for i in incidents.values() if group.id in i.symptom_groups and i.status != "retired"]
    return [incidents[i] for i in dict.fromkeys([*named, *members]) if i in incidents]


def standing(incident: str, check: GroupCheck) -> str:
    """The answer that an incident needs to stay possible: "yes", "no", "" where both leave it."""
    yes, no = incident in check.yes, incident in check.no
    return "" if yes == no else "yes" if yes else "no"


def rows(group: Group, members: Sequence[Incident]) -> list[tuple[Incident, list[str]]]:
    """The table of a group: every rival with how it stands to every check."""
    return [(member, [standing(member.id, check) for check in group.checks]) for member in members]
