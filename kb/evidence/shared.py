"""A prefix of no known tool before all lines of a program ("worker-2: ", "[node-0] ", "3: ", line numbers)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from kb.evidence.clean import has_known_prefix

LEAST, SHARE = 4, 0.9  # lines, and the share of them, that a prefix must stand before where no traceback tells
_PREFIX = re.compile(r"(\[[\w.:/ -]{1,40}\]:?|[A-Za-z][\w.-]{0,40}: |\d{1,5}: | {0,6}\d{1,6}(?: {2}|\t| ?\| ))")
_TRACE = re.compile(r" ?Traceback \(most recent| {2,3}File \"")
_DIGIT = re.compile(r"\d+")
# Not a place but a program's own word: levels, and names of functions as llama.cpp prints them.
_OWN = re.compile(
    r"\W*(?:debug|info|note|notice|warn(?:ing)?|error|critical|fatal|\w+error|\w+exception)\W*$|[a-z]+(?:_\w+)?: $",
    re.I,
)


def without_shared_prefix(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Numbers and texts of lines, without the prefix that the lines of a traceback have, or nearly every line."""
    rows = list(lines)
    shape = _shared([text for _, text in rows])
    if not shape:
        yield from rows
        return
    cuts = [_end(text, shape) for _, text in rows]
    spaced = all(text[cut : cut + 1] in (" ", "") for (_, text), cut in zip(rows, cuts, strict=True) if cut)
    for (number, text), cut in zip(rows, cuts, strict=True):
        yield number, text[cut + (spaced and text[cut - 1] in "]:") :] if cut else text


def _end(text: str, shape: str) -> int:
    """Where the prefix of this shape ends; 0: it is not there."""
    found = _PREFIX.match(text)
    return found.end() if found and _shape(found[1]) == shape else 0


def _shape(prefix: str) -> str:
    return _DIGIT.sub("0", prefix).strip()


def _shared(texts: list[str]) -> str:
    """The shape of the shared prefix, its digits as 0; empty for none."""
    shapes: Counter[str] = Counter()
    traced: Counter[str] = Counter()
    filled = 0
    for text in texts:
        filled += bool(text.strip())
        found = _PREFIX.match(text)
        if found is None or _OWN.match(found[1]) or has_known_prefix(text):
            continue
        shapes[_shape(found[1])] += 1
        if _TRACE.match(text, found.end()):
            traced[_shape(found[1])] += 1
    best = max(traced or shapes, key=lambda shape: shapes[shape], default="")
    if best and ((traced[best] and shapes[best] >= 3) or (shapes[best] >= LEAST and shapes[best] >= SHARE * filled)):
        return best
    return ""
