"""What a person says beside the problem: courtesies by their phrases, other chatter by how it sounds.

A logistic model over words, word pairs and pieces of Chinese tells a sentence of a report's surroundings from one about
the problem; its weights are in chatter.json and are learned by `python -m evals forms-fit` from the frames of
evals/forms and the questions of the casebook. No I/O but those weights.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kb.evidence.language import half_width, han, without_quotations
from kb.evidence.model import Line
from kb.evidence.prose import is_prose
from kb.grams import grams, length, tokens
from kb.vocabulary import table

MAX_COURTESY = 4  # Chinese characters that a courtesy may hold beside its own words
CHATTER = 1.4  # log-odds above which a sentence is set aside: four to one, and even in long reports
CHATTER_FALL, FEW = 0.2, 6  # how fast, for each line beyond so many
MOST, BESIDE = 4.0, 0.4  # a sentence counts at most so much; its two neighbours count for this share
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_SENTENCE_ZH = re.compile(r"(?<=[。!?;])")
_CLAUSE = re.compile(r"(?<=[,。!?;])")
_CODE = re.compile(r"`|\w_\w|\w\.\w|[=/<>{}]|[a-z][A-Z]|\d{3}")
_LATIN = re.compile(r"[A-Za-z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model: the weight of every feature, for a frame."""

    weights: Mapping[str, float]
    bias: float

    def score(self, text: str) -> float:
        """The log-odds that a sentence is frame."""
        return self.bias + sum(self.weights.get(feature, 0.0) for feature in {*features(text)})


def features(text: str) -> Iterator[str]:
    """What the model sees of a sentence: its words, of quotations and code only that they are there."""
    yield from grams(tokens(without_quotations(text, " `x` ")))
    yield length(text)


@cache
def _courtesy(name: str) -> re.Pattern[str]:
    return re.compile(table("forms")["courtesy"][name], re.IGNORECASE)


@cache
def _installed() -> Model:
    data = json.loads(Path(__file__).with_name("chatter.json").read_text("utf-8"))
    return Model(data["weights"], data["bias"])


def score(text: str) -> float:
    """The log-odds of the model that comes with the program, at most MOST either way."""
    return max(min(_installed().score(text), MOST), -MOST)


def pieces(text: str) -> list[str]:
    """The sentences of a line; full-width marks as ASCII."""
    text = half_width(text)
    return [piece for piece in (_SENTENCE_ZH if han(text) >= 2 else _SENTENCE).split(text) if piece]


def meant(lines: Sequence[Line | None]) -> list[str | None]:
    """The texts of lines without courtesy and chatter; None for those that stay as they are."""
    spoken = [line if line and is_prose(line, few_lines=True) else None for line in lines]
    said = [
        (n, p) for n, line in enumerate(spoken) for p in (pieces(line.text) if line else [""]) if p.strip() or not line
    ]
    scores = [score(piece) if piece else 0.0 for _, piece in said]
    count = sum(bool(piece) for _, piece in said)
    least = max(CHATTER - CHATTER_FALL * max(count - FEW, 0), 0.0)
    kept: dict[int, list[str]] = {}
    for i, (n, piece) in enumerate(said):
        beside = scores[max(i - 1, 0) : i] + scores[i + 1 : i + 2]
        if piece and scores[i] + BESIDE * sum(beside) < least:
            kept.setdefault(n, []).append(_without_courtesy(piece))
    return [None if line is None else _joined(kept.get(n, []), line.text) for n, line in enumerate(spoken)]


def _joined(kept: Sequence[str], text: str) -> str | None:
    """What is left of a line; None where that is all of it."""
    left = ("" if han(text) >= 2 else " ").join(kept).strip()
    return None if len(left) == len(text.strip()) else left


def _without_courtesy(piece: str) -> str:
    if han(piece) >= 2:
        return "".join(clause for clause in _CLAUSE.split(piece) if clause and not _courteous_zh(clause))
    return "" if _courteous_en(piece) else piece


def _courteous_en(piece: str) -> bool:
    if _courtesy("setup").match(piece.strip()):
        return True
    bare = _courtesy("plain").sub("", piece)
    return _courtesy("en").search(piece.strip()) is not None and not _CODE.search(bare)


def _courteous_zh(piece: str) -> bool:
    if _courtesy("setup").match(piece.strip()):
        return True
    bare = _courtesy("plain").sub("", piece)
    if _LATIN.search(bare) or not _courtesy("must").search(bare):
        return False
    return han(_courtesy("zh").sub("", bare)) <= MAX_COURTESY
