"""What a person says → the signals it names, by kb/vocabulary/words.yaml."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kb.evidence.language import half_width
from kb.evidence.model import Line
from kb.patterns import PatternSet
from kb.vocabulary import table

MAX_SENTENCE = 600
_SENTENCE = re.compile(r"[\u3002?\n;]+|(?<!!)!(?!!)|\.(?=\s|$)")
_CLAUSE = re.compile(r"[,,;;。]| but | and |但是?|而且|然后")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A signal that a sentence names."""

    signal: str
    line: Line


@cache
def _phrases() -> tuple[PatternSet, Sequence[tuple[str, str]]]:
    rows = [(signal, phrase) for signal, phrases in table("words")["signals"].items() for phrase in phrases]
    return PatternSet([phrase for _, phrase in rows]), rows


@cache
def _compiled(phrase: str) -> re.Pattern[str]:
    """A phrase that was found; to compile all of them takes a quarter of a second."""
    return re.compile(phrase, re.IGNORECASE)


@cache
def _negations() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    data = table("words")["negation"]
    return tuple(re.compile(data[key], re.IGNORECASE) for key in ("before", "after", "not_negation"))  # type: ignore[return-value]


def negated(sentence: str, start: int, end: int) -> bool:
    """Whether the phrase at `start`:`end` is denied or said to be over in its clause."""
    before, after, exempt = _negations()
    cuts = [m.end() for m in _CLAUSE.finditer(sentence, 0, start)]
    clause = sentence[cuts[-1] if cuts else 0 : start]
    if before.search(clause) and not exempt.search(clause):
        return True
    return after.search(sentence[end : end + 60]) is not None


def _turned(signal: str, phrase: str) -> bool:
    """Whether a contrast or a denial inside the phrase turns what it says."""
    inside = table("words")["inside"]
    if signal not in inside["contrast_within"] and re.search(inside["contrast"], phrase, re.IGNORECASE):
        return True
    return signal in inside["plain"] and re.search(inside["denial"], phrase, re.IGNORECASE) is not None


def sentences(text: str) -> list[str]:
    """The sentences of a line, each cut at MAX_SENTENCE characters."""
    return [piece[:MAX_SENTENCE] for piece in _SENTENCE.split(half_width(text)) if piece.strip()]


def denied(sentence: str) -> bool:
    """Whether a sentence denies what it ends with, or says that it is over."""
    return any(negated(sentence, at, len(sentence)) for at in range(0, len(sentence), 8)) or negated(sentence, 0, 0)


def spoken(lines: Sequence[Line]) -> list[Spoken]:
    """The signals that prose lines name, in order, negations left out."""
    if not lines:
        return []  # a log alone does not wait for the phrases to be compiled
    phrases, known = _phrases()
    out: list[Spoken] = []
    for line in lines:
        for piece in sentences(line.text):
            for index in phrases.match(piece):
                signal, phrase = known[index]
                found = _compiled(phrase).search(piece)
                if found and not negated(piece, found.start(), found.end()) and not _turned(signal, found[0]):
                    out.append(Spoken(signal, line))
    said = {item.signal for item in out}
    hidden = {less for signal in said for less in table("words")["says_more"].get(signal, ())}
    return [item for item in out if item.signal not in hidden]
