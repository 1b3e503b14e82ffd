"""The incidents and groups of some folders, as one library."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb import patterns
from kb.errors import IncidentError, InputError
from kb.types import Group, Incident, Source, Text
from kb.writeups import parse_group, parse_incident, parse_sources

BUILT_IN = Path(__file__).parent / "incidents"
GROUPS = "groups"
ADDITIONS = "additions"  # below a folder: more sources of incidents that stand in another one, a file each
_ALSO = {"en": "Also reported in [{n}].", "zh": "另有报告 [{n}]。"}
_NOT_INCIDENTS = {"CHANGELOG.md", "README.md"}


@dataclass(frozen=True)
class Library:
    """Incidents and groups by id, where each came from, and a digest of all file contents."""

    incidents: Mapping[str, Incident]
    groups: Mapping[str, Group]
    paths: Mapping[str, Path]
    digest: str


def base_version(folder: Path = BUILT_IN) -> str:
    """The version of the built-in base: the first `## ` heading of its changelog."""
    for line in (folder / "CHANGELOG.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            return line[3:].split()[0]
    raise InputError(f"{folder / 'CHANGELOG.md'}: no '## <version>' heading")


def fingerprint(folders: Sequence[Path]) -> str:
    """A digest of names, sizes and times of all files: cheap, and changes when any file does."""
    digest = hashlib.sha256()
    for path in _files(folders):
        stat = path.stat()
        digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def load_library(folders: Sequence[Path]) -> Library:
    """All incidents and groups of the folders. Raises IncidentError for the first broken file."""
    library, errors = scan(folders)
    if errors:
        raise errors[0]
    return library


def scan(folders: Sequence[Path]) -> tuple[Library, list[IncidentError]]:
    """As load_library, but collects the errors of all files instead of raising the first."""
    incidents: dict[str, Incident] = {}
    groups: dict[str, Group] = {}
    paths: dict[str, Path] = {}
    errors: list[IncidentError] = []
    digest = hashlib.sha256()
    files = list(_files(folders))
    for path in sorted(files, key=lambda p: p.parent.name == ADDITIONS):  # after what they add to
        try:
            content = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + content)
            _add(path, content, incidents, groups, paths)
        except IncidentError as error:
            errors.append(error)
        except (OSError, UnicodeDecodeError) as error:
            errors.append(IncidentError(path, 1, "file", f"cannot be read as UTF-8 text: {error}"))
    return Library(incidents, groups, paths, digest.hexdigest()[:16]), errors


def _files(folders: Sequence[Path]) -> Iterable[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: not a folder of incidents (CASEBOOK_INCIDENTS)")
        yield from sorted(p for p in folder.rglob("*.md") if p.name not in _NOT_INCIDENTS)
        yield from sorted((folder / GROUPS).glob("*.yaml"))
        yield from sorted((folder / ADDITIONS).glob("*.yaml"))


def _add(
    path: Path, content: bytes, incidents: dict[str, Incident], groups: dict[str, Group], paths: dict[str, Path]
) -> None:
    text = content.decode("utf-8").replace("\r\n", "\n")
    if path.parent.name == ADDITIONS and path.suffix == ".yaml":
        if path.stem not in incidents:
            raise IncidentError(path, 1, "file", f"{path.stem} is not known: the file is named like the incident")
        incidents[path.stem] = extended(incidents[path.stem], parse_sources(text, path))
    elif path.suffix == ".yaml":
        group = parse_group(text, path)
        _claim(f"group {group.id}", path, paths)
        groups[group.id] = group
    else:
        incident = parse_incident(text, path)
        _check_patterns(incident, text, path)
        _claim(incident.id, path, paths)
        incidents[incident.id] = incident


def extended(incident: Incident, sources: Sequence[Source]) -> Incident:
    """The incident with more sources, numbered on and cited as further reports of the symptom."""
    first = max(source.n for source in incident.sources) + 1
    added, text = [], dict(incident.text)
    for number, source in enumerate(sources, first):
        shows = Text(en=source.shows.get("en"), zh=source.shows.get("zh"))
        added.append(source.model_copy(update={"n": number, "shows": shows}))
        for lang, sections in text.items():
            symptom = f"{sections.symptom}\n\n{_ALSO[lang].format(n=number)}"
            text[lang] = sections.model_copy(update={"symptom": symptom})
    return incident.model_copy(update={"sources": (*incident.sources, *added), "text": text})


def _check_patterns(incident: Incident, text: str, path: Path) -> None:
    """Refuse a pattern that RE2 cannot use: one of them in one file would stop every search over all signatures."""
    for number, signature in enumerate(incident.signatures):
        if signature.regex is not None and (why := patterns.refusal(signature.regex)):
            rows = text.split("\n")
            line = next((n for n, row in enumerate(rows, 1) if signature.regex in row), 2)
            raise IncidentError(path, line, f"signatures.{number}.regex", f"{signature.regex!r} is not RE2: {why}")


def _claim(name: str, path: Path, paths: dict[str, Path]) -> None:
    if name in paths:
        raise IncidentError(path, 2, "id", f"{name} is already in {paths[name]}")
    paths[name] = path
