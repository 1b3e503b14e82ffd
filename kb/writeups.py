"""Incident files (Markdown with front matter) and group files (YAML): parse and write, no policy."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kb import yamlio
from kb.errors import IncidentError
from kb.types import SECTIONS, Frozen, Group, Incident, IncidentMeta, Lang, Sections, Source

HEADINGS: Mapping[Lang, tuple[str, ...]] = {
    "en": ("Symptom", "Check", "Cause", "Fix", "Prevention"),
    "zh": ("现象", "检查", "原因", "修复", "预防"),
}
# [1], [1, 2]; not a Markdown link, and not an index such as choices[0].
CITATION = re.compile(r"(?<![A-Za-z0-9_])\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\](?!\()")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^(#{1,2})\s+(.+?)\s*$")


class _Sources(Frozen):
    sources: tuple[Source, ...]


Model = TypeVar("Model", bound=BaseModel)


def parse_incident(text: str, path: Path | str) -> Incident:
    """The incident in one file's text. Raises IncidentError with file, line and field."""
    front, body, body_line = _split(text, path)
    data, lines = yamlio.load(front, path, first_line=2)
    meta = _validate(IncidentMeta, data, lines, path)
    if Path(path).suffix == ".md" and Path(path).stem != meta.id:
        raise IncidentError(path, lines.get(("id",), 2), "id", f"must be the file's name, {Path(path).stem}")
    sections = _parse_body(body, body_line, path)
    # Validated above with line numbers; building the full type once more would only repeat it.
    return Incident.model_construct(meta.model_fields_set | {"text"}, **meta.__dict__, text=sections)


def parse_group(text: str, path: Path | str) -> Group:
    """The symptom group in one file's text. Raises IncidentError with file, line and field."""
    data, lines = yamlio.load(text, path)
    group = _validate(Group, data, lines, path)
    if Path(path).suffix == ".yaml" and Path(path).stem != group.id:
        raise IncidentError(path, lines.get(("id",), 1), "id", f"must be the file's name, {Path(path).stem}")
    return group


def parse_sources(text: str, path: Path | str) -> list[Source]:
    """The sources in a file that adds to an incident. Raises IncidentError with file, line and field."""
    data, lines = yamlio.load(text, path)
    return list(_validate(_Sources, {"sources": data}, lines, path).sources)


def write_incident(incident: Incident) -> str:
    """The file text of an incident; parsing it gives the same incident."""
    meta = incident.model_dump(mode="python", by_alias=True, exclude={"text"}, exclude_unset=True)
    parts = ["---", yamlio.dump(_plain(meta)).rstrip(), "---"]
    for lang, sections in incident.text.items():
        parts.append(f"# {lang}")
        for name, heading in zip(SECTIONS, HEADINGS[lang], strict=True):
            if body := getattr(sections, name):
                parts += ["", f"## {heading}", body]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def write_group(group: Group) -> str:
    """The file text of a group; parsing it gives the same group."""
    return yamlio.dump(_plain(group.model_dump(mode="python", by_alias=True, exclude_unset=True)))


def _plain(value: Any) -> Any:
    """Tuples as lists, which YAML knows."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _split(text: str, path: Path | str) -> tuple[str, str, int]:
    """Front matter, body, and the body's first line number."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != "---":
        raise IncidentError(path, 1, "front matter", "the file must start with a line ---")
    for index, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:index]), "\n".join(lines[index + 1 :]), index + 2
    raise IncidentError(path, 1, "front matter", "no closing line ---")


def _validate(model: type[Model], data: Any, lines: Mapping[yamlio.Path_, int], path: Path | str) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = tuple(first["loc"])
        field = ".".join(map(str, at)) or "front matter"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_type":
            message += f", not {first['input']!r}: put it in quotes"
        raise IncidentError(path, _line_of(at, lines), field, message) from error


def _line_of(at: yamlio.Path_, lines: Mapping[yamlio.Path_, int]) -> int:
    """The line of the path, or of its nearest parent that the file has."""
    while at and at not in lines:
        at = at[:-1]
    return lines.get(at, 2)


def _headings(body: str, first_line: int) -> Iterator[tuple[int, str | None, int, str]]:
    """(line number, line, heading level or 0, heading text), fences respected."""
    fence = ""
    for number, line in enumerate(body.split("\n"), start=first_line):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _HEADING.match(line):
            yield number, line, len(heading[1]), heading[2]
            continue
        yield number, line, 0, ""


def _parse_body(body: str, first_line: int, path: Path | str) -> dict[Lang, Sections]:
    found: dict[str, dict[str, list[str]]] = {}
    starts: dict[str, int] = {}
    lang, section = "", ""
    for number, line, level, title in _headings(body, first_line):
        if level == 1:
            lang, section = _new_language(title, found, number, path), ""
            starts[lang] = number
        elif level == 2:
            section = _new_section(title, lang, found, number, path)
        elif section:
            found[lang][section].append(line or "")
        elif line and line.strip():
            raise IncidentError(path, number, "body", "text outside a section")
    if not found:
        raise IncidentError(path, first_line, "body", "needs the heading # en or # zh")
    return {code: _sections(code, found[code], starts[code], path) for code in HEADINGS if code in found}


def _new_language(title: str, found: dict[str, dict[str, list[str]]], line: int, path: Path | str) -> str:
    if title not in HEADINGS:
        raise IncidentError(path, line, "body", f"heading '# {title}': languages are en and zh")
    if title in found:
        raise IncidentError(path, line, title, "language given twice")
    found[title] = {}
    return title


def _new_section(title: str, lang: str, found: dict[str, dict[str, list[str]]], line: int, path: Path | str) -> str:
    if lang not in found:
        raise IncidentError(path, line, "body", f"heading '## {title}' before # en or # zh")
    headings = HEADINGS[lang]  # type: ignore[index]
    if title not in headings:
        raise IncidentError(path, line, lang, f"heading '## {title}': sections are {', '.join(headings)}")
    name = SECTIONS[headings.index(title)]
    if name in found[lang]:
        raise IncidentError(path, line, f"{lang}.{name}", "section given twice")
    found[lang][name] = []
    return name


def _sections(lang: str, found: Mapping[str, list[str]], line: int, path: Path | str) -> Sections:
    texts = {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
    for name, heading in zip(SECTIONS, HEADINGS[lang], strict=True):  # type: ignore[index]
        if name != "prevention" and not texts.get(name, "").strip():
            raise IncidentError(path, line, f"{lang}.{name}", f"section ## {heading} is missing or empty")
    return Sections(**texts)
