"""Text as the row of words, names, numbers and Chinese characters that sentences are compared by."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kb.tokens import has_chinese, stem

_TOKEN = re.compile(
    r"(?<![\w.])-\d[\w.]*"  # a negative number
    r"|[a-z0-9_]+(?:[._\-/:=+@\\][a-z0-9_]+)*%?"  # words, names, numbers, versions, paths, key=value
    r"|--?[a-z][\w-]*"  # flags
    r"|[\u3400-\u9fff]"
    r"|[<>=≥≤~×+]+"
    r"|\S"
)
_SAYS = re.compile(r"[a-z0-9_\u3400-\u9fff<>=≥≤~×+]|-\w|--")
_MEASURE = re.compile(r"(\d+(?:\.\d+)*)(gib|gb|mib|mb|kib|kb|tb|ms|s|k|m|b|%|x)")
_UNMARKED = "'\"*_“”‘’"
_SHORT_FORMS = ((re.compile(r"\bcannot\b"), "can not"), (re.compile(r"(?<=\w)n't\b"), " not"),
                (re.compile(r"(?<=\b(?:it|he))'s\b|(?<=\b(?:that|here|what))'s\b|(?<=\bthere)'s\b"), " is"),
                (re.compile(r"'s\b"), ""))  # fmt: skip


class Token(NamedTuple):
    """A word's stem, a name or number in lower case, or a Chinese character; and the marks right before it."""

    key: str
    cut: str

    @property
    def chinese(self) -> bool:
        """Whether it is a Chinese character."""
        return has_chinese(self.key)


def tokens(text: str) -> list[Token]:
    """The tokens of a text; a number and its unit are two, and names in backquotes keep their endings."""
    normal = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    for pattern, long in _SHORT_FORMS:
        normal = pattern.sub(long, normal)
    found, cut = [], ""
    for at, part in enumerate(normal.split("`")):
        if at % 2 and part.strip() and not _SAYS.search(part):
            found.append(Token(part.strip(), cut))  # a sign is a name, too, where it stands in backquotes
            cut = ""
            continue
        for match in _TOKEN.finditer(part):
            if not _SAYS.match(match[0]):
                cut += match[0] if match[0] not in _UNMARKED else ""
                continue
            measure = _MEASURE.fullmatch(match[0])
            for word in measure.groups() if measure else (match[0],):
                found.append(Token(word if at % 2 else stem(word), cut))
                cut = ""
    return found


def words(run: Sequence[Token]) -> Iterator[str]:
    """The keys of a run, Chinese characters that follow each other joined."""
    chinese = ""
    for token in run:
        if token.chinese:
            chinese += token.key
            continue
        if chinese:
            yield chinese
        chinese = ""
        yield token.key
    if chinese:
        yield chinese
