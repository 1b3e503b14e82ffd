"""A draft that tells of a known incident: its source is added to that incident, the incident's words stay."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.draft_files import write_whole
from ingest.types import Draft
from kb import yamlio
from kb.errors import InputError
from kb.library import ADDITIONS, extended
from kb.types import Source
from kb.writeups import parse_incident, write_incident


def source_of(draft: Draft, number: int) -> Source:
    """The draft's own source under a number."""
    origin = draft.origin
    thread = origin.thread == origin.url
    place: dict[str, Any] = {"ref": origin.name, "kind": "internal"}
    if origin.url:
        place = {"url": origin.url, "kind": "thread" if thread else "rewrite" if origin.second_hand else "doc"}
    shows = {draft.lang: draft.value("title") or origin.name}
    return Source.model_validate(
        {"n": number, **place, "read": "full", "read_on": datetime.now(UTC).date(), "shows": shows}
    )


def extend(path: Path, draft: Draft) -> Path:
    """Add the source to an incident file of the user's; a source that is there already changes nothing."""
    incident = parse_incident(path.read_text("utf-8"), path)
    source = source_of(draft, max(s.n for s in incident.sources) + 1)
    if (source.url, source.ref) not in {(s.url, s.ref) for s in incident.sources}:
        write_whole(path, write_incident(extended(incident, [source])))
    return path


def add(into: Path, incident: str, draft: Draft) -> Path:
    """Add the source to the additions of an installed incident. Raises InputError for a broken file."""
    path = into / ADDITIONS / f"{incident}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = yamlio.load(path.read_text("utf-8"), path)[0] if path.exists() else []
    if not isinstance(known, list):
        raise InputError(f"{path}: not a list of sources")
    source = source_of(draft, len(known) + 1)
    data = source.model_dump(mode="python", exclude_none=True)
    if (source.url, source.ref) not in {(k.get("url"), k.get("ref")) for k in known}:
        write_whole(path, yamlio.dump([*known, data]))
    return path
