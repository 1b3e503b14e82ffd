"""What a model writes → sentences: JSON objects of {text, incident, field}, read as they come.

Whatever stands around them is passed over: a wrapper, a fence, prose, a byte order mark, a list, one object a line.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Set

from app.claims.model import Sentence
from kb.types import Lang

MAX_OBJECT = 4000  # characters of one object; a longer one is no sentence
_TALK = re.compile(  # a model that talks about its task instead of the failure
    "|".join((
        r"\b(?:okay|alright|sure)[,!.]",
        r"\bthe user (?:wants?|asks?|asked|said|says|needs?|is asking)\b",
        r"\bas an? (?:ai|language model)\b",
        r"\b(?:let me|i'll|i (?:will|need|should|must|think|cannot|can't|am))\b",
        r"\bmy (?:task|instructions|answer)\b|\bwants me to\b",
        r"用户(?:想|要|希望|让|问)",
        r"作为(?:一个|一名)?(?:AI|人工智能|语言模型|大模型|助手)",
        r"我(?:需要|应该|必须|将|来|认为|无法)",
        r"^好的[,，!！。]",
    )),
    re.IGNORECASE,
)  # fmt: skip
_START = re.compile(r"\{(?=\s*[\"}]|\s*$)")
_MARKS = re.compile(r"[\[【]\^?\d+(?:\s*[,，、-]\s*\d+)*[\]】]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./:]+[A-Za-z0-9]+)*")
_PARTS = re.compile(r"[-_./:]+")
SHORT = 3  # parts of names below that say nothing: re-, x-, -v2
_CODE = re.compile(r"(`[^`]*`)")
_SPACE = re.compile(r"\s+")


def read_sentences(chunks: Iterable[str]) -> Iterator[Sentence]:
    """The sentences in a stream of text, each as soon as its object is complete; what is cut off is dropped."""
    pending = ""
    for chunk in chunks:
        pending += chunk
        found, pending = _objects(pending)
        for text in found:
            yield from _sentence(text)


def _objects(text: str) -> tuple[list[str], str]:
    """The complete innermost objects of `text`, and what may still become one."""
    found: list[str] = []
    done = 0
    for start in _innermost(text):
        end = _end(text, start)
        if end is None:
            rest = text[start:]
            return found, rest if len(rest) <= MAX_OBJECT else ""
        if end > start:
            found.append(text[start:end])
            done = end
    return found, text[done:][-MAX_OBJECT:]


def _innermost(text: str) -> Iterator[int]:
    """Where objects without an object inside may begin, from left to right."""
    at = 0
    while match := _START.search(text, at):
        yield match.start()
        end = _end(text, match.start())
        at = max(end or 0, match.start() + 1)


def _end(text: str, start: int) -> int | None:
    """Behind the object that begins at `start`; `start` itself where it is none; None where it is not complete."""
    inside, escaped = False, False
    for at in range(start + 1, len(text)):
        sign = text[at]
        if inside:
            if sign == "\n":
                return start  # no JSON string holds a line break: the object was broken off
            inside = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            inside = True
        elif sign == "}":
            return at + 1
        elif sign == "{":
            return start  # an object inside: this one is a wrapper
    return None


def _sentence(text: str) -> Iterator[Sentence]:
    try:
        data = json.loads(text)
    except ValueError:
        return
    values = [data.get(name) for name in ("text", "incident", "field")]
    if all(isinstance(value, str) for value in values) and str(values[0]).strip():
        yield Sentence(tidy(str(values[0])), str(values[1]).strip(), str(values[2]).strip().lower())


def tidy(text: str) -> str:
    """One line, halves of a character joined."""
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _SPACE.sub(" ", joined).strip()


def presentable(text: str) -> bool:
    """Whether it speaks of the failure, with nothing in it that a screen would hide, reorder or show as a hole."""
    return not _TALK.search(text) and not any(
        c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn") for c in text
    )


def names(text: str) -> set[str]:
    """The Latin words of a text and their parts, in lower case."""
    found = {match[0].lower() for match in _NAME.finditer(text)}
    return found | {part for name in found for part in _PARTS.split(name)}


def strangers(text: str, known: Set[str], lang: Lang) -> list[str]:
    """Names in a sentence that its sources do not hold: in Chinese every Latin word, in English what is put together
    of several or with digits, unless all its longer parts are known.
    """
    found = (match[0].lower().rstrip(".") for match in _NAME.finditer(text))
    doubtful = [name for name in found if lang == "zh" or not name.isalpha()]
    return [name for name in doubtful if name not in known and not _parts_known(name, known)]


def _parts_known(name: str, known: Set[str]) -> bool:
    parts = [part for part in _PARTS.split(name) if len(part) >= SHORT]
    return bool(parts) and all(part in known or part.removesuffix("s") in known for part in parts)


def without_marks(text: str) -> str:
    """The text without the citation marks that a model wrote; code is left alone."""
    parts = _CODE.split(text)
    return _SPACE.sub(" ", "".join(part if n % 2 else _MARKS.sub("", part) for n, part in enumerate(parts))).strip()
