"""A text as tokens: names, numbers, Chinese characters, stops; and the normal forms of names and numbers."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.claims.lexicon import lexicon
from app.claims.stems import stem

_TOKEN = re.compile(
    r"(?P<url>https?://[^\s`<>\"'）)\]，。；]+)"
    r"|(?P<cite>\[\d{1,2}(?:\s*[,，、]\s*\d{1,2})*\])"
    r"|(?P<special><\|?/?[A-Za-z_][\w.]*\|?>)"
    r"|(?P<op>>=|<=|==|!=|=>|->|→|≥|≤|≠|≈|=|(?<=\s)[<>](?=\s?\d)|(?<=\w)[<>](?=\d)|×)"
    r"|(?P<num>(?<![A-Za-z0-9_.])[-+]?[vV]?\d+(?:(?:,\d{3})+|(?: \d{3}(?![\d.\w]))+)?(?:\.\d+)*(?:\.[xX*])?"
    r"(?:[eE][-+]?\d+)?(?![\d_])(?:(?:\.?(?:post|dev|rc)|rc|[ab](?=\d))\d*)?)"
    r"|(?P<name>[A-Za-z]+n['’]t\b|(?:--?)?[A-Za-z_/~$.][\w]*(?:(?:[./:@+-]|::)\w+)*(?:\.\w+)*)"
    r"|(?P<alnum>\d\w*)"
    r"|(?P<han>[\u3400-\u9fff])"
    r"|(?P<stop>[,;:!?()，；：！？。（）、—|]|\.(?=\s|$)|\s[-–]\s)"
    r"|(?P<tick>`)",
    re.ASCII,
)
SHAPE = re.compile(r"[\d_/$~@]|[a-z][A-Z]|^--|[A-Za-z]\.[A-Za-z]|^[A-Z]{2,}|::|[A-Z].*[a-z].*[A-Z]")
_WORDS_JOINED = re.compile(r"^[A-Za-z]+(?:[-/][A-Za-z]+)+$")


class Token(NamedTuple):
    """A piece of text: its kind by shape, its normal form for phrases, and whether it stands in inline code."""

    kind: str
    text: str
    norm: str
    start: int
    end: int
    code: bool


@lru_cache(1024)
def tokens(text: str, code: bool = False) -> Sequence[Token]:
    """The pieces of a text in order; `code` for a line of a code block."""
    found: list[Token] = []
    ticked = False
    for match in _TOKEN.finditer(text):
        kind, raw = match.lastgroup or "", match[0]
        if kind == "tick":
            ticked = not ticked
            continue
        inside = code or ticked
        if kind == "name" and not inside and _WORDS_JOINED.match(raw) and not _named(raw):
            found += _split(raw, match.start())
            continue
        if kind == "name":
            raw = raw.rstrip(".:") if not raw.startswith(("/", "~")) else raw.rstrip(".")
            if not raw.strip("-./:$~"):
                continue
        norm = raw if kind == "han" else _norm(raw)
        found.append(Token(kind, raw, norm, match.start(), match.start() + len(raw), inside))
    return found


def _norm(raw: str) -> str:
    low = raw.lower().replace("’", "'")
    return stem(low) if low.replace("'", "").isalpha() else low


def _named(word: str) -> bool:
    """Whether a hyphenated word is a name of the vocabulary (llama-factory) or has capitals inside (LLaMA-Factory)."""
    low = word.lower()
    return any(len(phrase) == 1 and sense.kind == "name" for phrase, sense in lexicon().phrases.get(low, ())) or bool(
        re.search(r"[a-z][A-Z]", word)
    )


def _split(raw: str, start: int) -> Iterator[Token]:
    for part in re.finditer(r"[A-Za-z]+", raw):
        norm = stem(part[0].lower())
        yield Token("name", part[0], norm, start + part.start(), start + part.end(), False)


def normal(name: str) -> str:
    """A name as it is compared: no leading dashes, one case, `-` as `_`."""
    return name.lstrip("-").replace("-", "_").casefold().strip("\"'")


def number(raw: str) -> str:
    """A number or version as it is compared: no v, no thousands commas, no trailing zeros of a version."""
    text = raw.lstrip("vV+").replace(",", "").replace(" ", "").lower()
    if re.fullmatch(r"-?\d+\.0+", text) or text.count(".") > 1:
        text = re.sub(r"(?:\.0)+$", "", text)
    if re.fullmatch(r"-?\d*\.?\d+e[-+]?\d+", text):
        return f"{float(text):g}"
    return text
