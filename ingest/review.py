"""Drafts → reviewed incidents: what waits, what a draft lacks, and what becomes of it. No terminal, no web here.

State is the folders themselves, so a review can be left at any moment: a draft waits as `<id>.md` in the folder of
drafts; edits are saved there; once decided its files move to `done/`. Every file appears whole or not at all, and the
accepted incident is written before its draft moves: killed between the two, the draft waits again and is accepted
onto the same file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest import additions
from ingest.draft_files import load_draft, write_whole
from ingest.duplicates import shared
from ingest.proposals import proposal
from ingest.types import Draft
from kb.check import check_library
from kb.errors import IncidentError, InputError
from kb.library import BUILT_IN, Library, scan
from kb.types import Group, Incident, Review
from kb.writeups import parse_incident, write_incident

DONE = "done"
MOST_COMPARED = 500  # drafts that one is compared with


@dataclass(frozen=True, slots=True)
class Item:
    """A draft that waits: as it was made, and the text that would be accepted, with earlier edits."""

    draft: Draft
    text: str


class Desk:
    """The review of one folder of drafts. `reviewer` is named in what is accepted."""

    def __init__(
        self,
        drafts: Path,
        into: Path,
        known: Mapping[str, Incident],
        groups: Mapping[str, Group],
        *,
        folders: Sequence[Path] = (),
        reviewer: str = "curator",
    ) -> None:
        """`known`, `groups`: the base; `folders`: the user's own incident folders. Raises InputError."""
        self.drafts, self.into, self.reviewer = drafts, into, reviewer.strip() or "curator"
        if self.reviewer == "writer":
            raise InputError("reviewer: 'writer' is who wrote it; name somebody else")
        if _inside(into, BUILT_IN):
            raise InputError(f"{into}: part of the installed package; name a folder of your own with --into")
        mine = scan([into])[0].incidents if into.is_dir() else {}  # accepted before, perhaps not indexed yet
        self._known, self._groups = {**known, **mine}, dict(groups)
        self._before: dict[frozenset[str], set[str]] = {}  # findings of the base, by what it holds
        self._own = [into, *(f for f in folders if not _inside(f, BUILT_IN))]

    def waiting(self) -> list[str]:
        """The ids of drafts that wait, the oldest first."""
        if not self.drafts.is_dir():
            return []
        found = [p for p in self.drafts.glob("*.md") if p.with_suffix(".draft.yaml").exists()]
        return [p.stem for p in sorted(found, key=lambda p: (p.stat().st_mtime, p.name))]

    def item(self, id: str) -> Item:
        """One draft. Raises InputError where it does not wait, or its files are broken."""
        path = self._path(id)
        draft = load_draft(path)
        return Item(draft, proposal(path.read_text("utf-8"), draft, path))

    def like(self, item: Item) -> dict[str, str]:
        """Other drafts that wait and tell of the same, with the reason; of the first MOST_COMPARED."""
        others = []
        for id in self.waiting()[:MOST_COMPARED]:
            try:
                others.append(load_draft(self.drafts / f"{id}.md"))
            except InputError:
                continue  # it is named where it is reviewed itself
        return shared(item.draft, others)

    def save(self, id: str, text: str) -> None:
        """Keep an edited text for later. Raises InputError."""
        write_whole(self._path(id), _tidy(text))

    def findings(self, id: str, text: str) -> list[str]:
        """What keeps a text from being accepted, in lines that name place and field."""
        self._path(id)
        try:
            self._checked(text)
        except _Found as found:
            return found.lines
        except IncidentError as error:
            return [f"line {error.line}: {error.field}: {error.message}"]
        return []

    def accept(self, id: str, text: str) -> Path:
        """Write the incident, reviewed by the reviewer, and put the draft away. Raises InputError with the findings."""
        if lines := self.findings(id, text):
            raise InputError(f"{id}: not accepted: " + "; ".join(lines))
        incident = self._checked(text)
        path = self.into / f"{incident.id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write_incident(incident))
        self._known[incident.id] = incident
        self._away(id)
        return path

    def merge(self, id: str, incident: str) -> Path:
        """Add the draft's source to an incident that tells of the same, and put the draft away.

        A file of the user's own is extended; beside an installed one an addition is written. Raises InputError.
        """
        draft = load_draft(self._path(id))
        if incident not in self._known or self._known[incident].status == "retired":
            raise InputError(f"{incident}: no incident to merge into; casebook search finds ids")
        own = next((p for folder in self._own for p in folder.rglob(f"{incident}.md")), None)
        path = additions.extend(own, draft) if own else additions.add(self.into, incident, draft)
        self._away(id)
        return path

    def reject(self, id: str) -> None:
        """Put the draft away; its source stays known, so that it does not come back."""
        self._path(id)
        self._away(id)

    def _path(self, id: str) -> Path:
        path = self.drafts / f"{id}.md"
        if path.parent != self.drafts or id not in self.waiting():
            raise InputError(f"{id[:80]}: no such draft waits in {self.drafts}")
        return path

    def _checked(self, text: str) -> Incident:
        """The incident as it would be written. Raises IncidentError, or _Found with lines."""
        draft = parse_incident(_tidy(text), "draft")
        path = self.into / f"{draft.id}.md"
        today = datetime.now(UTC).date()
        review = Review(on=today, by=self.reviewer, result="ok")
        incident = draft.model_copy(update={"status": "reviewed", "reviews": (*draft.reviews, review)})
        incident = parse_incident(write_incident(incident), path)
        if (old := self._known.get(draft.id)) and not (path.exists() and _told(old) == _told(incident)):
            raise _Found([f"id: {draft.id} is already in the base; give it another id, or merge"])
        before = {i: k for i, k in self._known.items() if i != incident.id}
        if frozenset(before) not in self._before:
            self._before = {frozenset(before): self._problems(before)}
        new = self._problems({**before, incident.id: incident}) - self._before[frozenset(before)]
        if new:
            raise _Found(sorted(new))
        return incident

    def _problems(self, incidents: Mapping[str, Incident]) -> set[str]:
        paths = {i: self.into / f"{i}.md" for i in incidents} | {f"group {g}": Path(f"group {g}") for g in self._groups}
        return {
            f"{problem.path}: {problem.field}: {problem.message}".removeprefix(f"{self.into}/")
            for problem in check_library(Library(incidents, self._groups, paths, ""))
        }

    def _away(self, id: str) -> None:
        done = self.drafts / DONE
        done.mkdir(exist_ok=True)
        for name in (f"{id}.md", f"{id}.draft.yaml"):  # the .md first: without it nothing waits
            if (self.drafts / name).exists():
                (self.drafts / name).replace(done / name)


class _Found(InputError):
    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        super().__init__("; ".join(lines))


def _told(incident: Incident) -> str:
    """An incident without its reviews: the same again is a review that was cut off, anything else is another one."""
    return write_incident(incident.model_copy(update={"reviews": ()}))


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _tidy(text: str) -> str:
    """Line feeds as on disk: a browser's form sends carriage returns."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"
