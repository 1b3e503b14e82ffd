"""The incidents and groups of a generation, as they were when it was made.

A file of lines: a head, then an incident a line. An incident is parsed when it is asked for: a diagnosis looks at a few
dozen, and to parse all of a large base takes longer than to answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path

from kb.errors import UnavailableError
from kb.types import Frozen, Group, GroupCheck, Incident, Signature


class Outline(Frozen):
    """What is known of an incident before it is parsed."""

    id: str
    retired: bool
    languages: int
    groups: tuple[str, ...]
    signals: tuple[str, ...]
    signatures: tuple[Signature, ...]
    configured: bool  # whether it has conditions on settings


class _Head(Frozen):
    groups: dict[str, Group]
    outlines: tuple[Outline, ...]


class _Incidents(Mapping[str, Incident]):
    """Incidents by id, parsed at the first access."""

    def __init__(self, path: Path, lines: Mapping[str, bytes]) -> None:
        self._path, self._lines = path, lines
        self._parsed: dict[str, Incident] = {}

    def __getitem__(self, name: str) -> Incident:
        if (known := self._parsed.get(name)) is not None:
            return known
        line = self._lines[name]
        try:
            self._parsed[name] = incident = Incident.model_validate_json(line)
        except ValueError as error:
            raise UnavailableError(f"index {self._path.parent}: damaged; run casebook index --rebuild") from error
        return incident

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: object) -> bool:
        return name in self._lines


class Catalog:
    """The incidents and groups by id, and what can be told of incidents without parsing them."""

    incidents: Mapping[str, Incident]
    groups: Mapping[str, Group]
    outlines: Sequence[Outline]

    def __init__(self, path: Path) -> None:
        """Read a file that `save` wrote. Raises OSError, and ValueError for another file."""
        head, *lines = path.read_bytes().split(b"\n")
        known = _Head.model_validate_json(head)
        by_id = dict(zip((o.id for o in known.outlines), lines, strict=True))
        self.groups, self.outlines, self.incidents = known.groups, known.outlines, _Incidents(path, by_id)

    @staticmethod
    def save(path: Path, incidents: Mapping[str, Incident], groups: Mapping[str, Group]) -> None:
        """Write incidents and groups to a file. Raises OSError."""
        head = _Head(groups=dict(groups), outlines=tuple(_outline(i) for i in incidents.values()))
        lines = [model.model_dump_json(by_alias=True, exclude_unset=True) for model in (head, *incidents.values())]
        path.write_text("\n".join(lines), encoding="utf-8")

    @cached_property
    def configured(self) -> Sequence[Incident]:
        """The incidents, not retired, that have conditions on settings."""
        return [self.incidents[o.id] for o in self.outlines if o.configured and not o.retired]

    @cached_property
    def checks(self) -> Mapping[str, GroupCheck]:
        """Every check of every group, by `<group>.<check>`."""
        return {f"{g.id}.{c.id}": c for g in self.groups.values() for c in g.checks}

    @cached_property
    def members(self) -> Mapping[str, Sequence[str]]:
        """Symptom group → its incidents, not retired."""
        return self._holders(lambda outline: outline.groups)

    @cached_property
    def grouped(self) -> Set[str]:
        """The incidents, not retired, of any symptom group."""
        return {name for names in self.members.values() for name in names}

    @cached_property
    def by_signal(self) -> Mapping[str, Sequence[str]]:
        """Signal → the incidents, not retired, that show it."""
        return self._holders(lambda outline: outline.signals)

    def _holders(self, names: Callable[[Outline], Sequence[str]]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for outline in self.outlines:
            for name in names(outline) if not outline.retired else ():
                found.setdefault(name, []).append(outline.id)
        return found


def _outline(incident: Incident) -> Outline:
    return Outline(
        id=incident.id,
        retired=incident.status == "retired",
        languages=len(incident.text),
        groups=tuple(incident.symptom_groups),
        signals=tuple(incident.signals),
        signatures=tuple(incident.signatures),
        configured=bool(incident.config),
    )
