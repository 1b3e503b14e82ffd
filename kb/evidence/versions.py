"""Versions that a paste names: package lists, environment reports, start banners, image tags, and words."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from kb.evidence import version_formats as table
from kb.evidence.model import Line, VersionSeen
from kb.patterns import Pattern, PatternSet

_INSTALLED = 4  # the rank of formats that say what was just installed
_WINDOW = 60  # bytes of the clause before a name that are looked at


class _Seen(NamedTuple):
    rank: int
    component: str
    version: str


class _Format(NamedTuple):
    rank: int
    component: str
    pattern: Pattern
    where: tuple[bytes, ...]
    name: int  # numbers of the groups, 0 where the format has none
    version: int
    old: int


class _Context(NamedTuple):
    any_format: PatternSet
    formats: tuple[_Format, ...]
    not_here: Pattern
    not_before: Pattern
    not_after: Pattern
    downgrade: Pattern


def read_versions(lines: Iterable[Line]) -> dict[str, VersionSeen]:
    """The version of each component (name of kb/vocabulary/components.yaml) that most likely runs, and where it stands.

    What was just installed beats what a tool reports, that beats what was asked for, that beats words; among equals
    the first counts, of installations the last. Versions said to be required, working or rolled back to are not taken.
    """
    best: dict[str, tuple[int, VersionSeen]] = {}
    previous = b""
    for line in lines:
        text = line.text.encode("utf-8", "replace")
        for seen in _read_line(previous + b"\0" + text if _names_next(previous) else text):
            rank = best[seen.component][0] if seen.component in best else -1
            if seen.rank > rank or seen.rank == _INSTALLED:
                best[seen.component] = seen.rank, VersionSeen(version=seen.version, input=line.input, line=line.number)
        previous = text if text.strip() else previous
    return {component: seen for component, (_, seen) in best.items()}


def _names_next(line: bytes) -> bool:
    """Whether a line names what the next one gives the version of: `pip show`, a Python prompt, a heading."""
    return (
        line.startswith(b"Name: ")
        or b" show " in line
        or b".__version__" in line
        or line.rstrip(b") :?*`\t").lower().endswith((b"__version__", b" version"))
    )


def _read_line(text: bytes) -> Iterator[_Seen]:
    context = _context()
    found = context.any_format.match(text.decode())  # one pass for all formats: most lines hold none
    if not found or context.not_here.search(text) is not None:
        return
    lower = text.lower()
    for form in (context.formats[at] for at in found):
        if form.where and not any(word in lower for word in form.where):
            continue
        for spans in form.pattern.matches(text):
            if spans[form.version][0] < 0:
                continue
            component = form.component or _components()[text[slice(*spans[form.name])].lower()]
            start, end = spans[form.version]
            if form.old:
                if context.downgrade.search(text[max(0, spans[0][0] - _WINDOW) : end + _WINDOW]) is not None:
                    start, end = spans[form.old]
                yield _Seen(form.rank, component, _text(text[start:end]))
            elif _runs(text, spans[form.name or 0][0], start, end, component):
                yield _Seen(form.rank, component, _text(text[start:end], component))


def _runs(text: bytes, name: int, start: int, end: int, component: str) -> bool:
    """Whether the words around say that this version runs, and the number is no amount of something."""
    if component == "nvidia-driver" and not text[start : start + 3].isdigit():
        return False
    if _context().not_after.search(text[end : end + 40]) is not None:
        return False
    return _context().not_before.search(text[max(0, name - _WINDOW) : name]) is None


def _text(version: bytes, component: str = "") -> str:
    plain = version.decode("ascii", "replace").lstrip("vVbB")
    return f"b{plain}" if component == "llama-cpp" else plain


# --- the table, compiled when first needed ---------------------------------


@lru_cache(1)
def _components() -> dict[bytes, str]:
    return {name.encode(): component for component, names in table.NAMES.items() for name in names}


@lru_cache(1)
def _context() -> _Context:
    formats = tuple(_compile(form) for form in table.FORMATS)
    return _Context(
        any_format=PatternSet([_expand(form.pattern) for form in table.FORMATS]),
        formats=formats,
        not_here=Pattern(f"(?i){table.NOT_HERE}"),
        not_before=Pattern(f"(?i){table.NOT_BEFORE}"),
        not_after=Pattern(f"(?i){table.NOT_AFTER}|{table.UNITS}"),
        downgrade=Pattern(f"(?i){table.DOWNGRADE}"),
    )


def _compile(form: table.Format) -> _Format:
    pattern = Pattern(_expand(form.pattern))
    number = {name: at for at, name in enumerate(pattern.names, 1) if name}
    where = tuple(word.encode() for word in form.where)
    return _Format(
        form.rank, form.component, pattern, where, number.get("name", 0), number["version"], number.get("old", 0)
    )


def _expand(pattern: str) -> str:
    names = sorted((name.decode() for name in _components()), key=len, reverse=True)
    for part, text in {
        "{NAME}": "(?P<name>" + "|".join(name.replace(".", r"\.").replace("+", r"\+") for name in names) + ")",
        "{V}": table.V,
        "{EDGE}": table.EDGE,
        "{BETWEEN}": table.BETWEEN,
    }.items():
        pattern = pattern.replace(part, text)
    return f"(?im){pattern}"
