"""What of a long text to search by: the sentences that sound like a problem, or like one that the base knows.

How a sentence sounds (kb/evidence/chatter.py) is not enough to tell the surroundings of a problem from the problem in
people's own words; what the base says to it tells the rest. Weights: focus.json, by `python -m evals focus-fit`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from kb.evidence import chatter
from kb.evidence.model import Line, Reading
from kb.evidence.prose import is_prose
from kb.retrieval import Retriever

FEATURES = ("chatter", "learned", "weight", "held", "told", "whole", "terms")
SURE = -6.0  # the score that an error line stands for
FEW, MANY = 4, 80  # lines of a text that is searched by whole; sentences that are weighed at most


def focus(reading: Reading, retriever: Retriever) -> Reading:
    """The reading without the prose that is about something else; as it is where there is little prose."""
    if sum(bool(line.text.strip()) for line in reading.lines) <= FEW:
        return reading
    notable = {*reading.notable}
    spoken = [line for line in reading.matter if line not in notable and is_prose(line, few_lines=True)]
    said = [(line, piece) for line in spoken for piece in chatter.pieces(line.text) if piece.strip()][:MANY]
    if not said:
        return reading
    scores = [score(features(piece, retriever)) for _, piece in said]
    kept: dict[Line, list[str]] = {line: [] for line, _ in said}
    for (line, piece), aside in zip(said, beside(scores, bool(reading.notable)), strict=True):
        if not aside:
            kept[line].append(piece)
    return _with(reading, {line: " ".join(p.strip() for p in pieces) for line, pieces in kept.items()})


def features(piece: str, retriever: Retriever) -> Mapping[str, float]:
    """What the model sees of a sentence: how it sounds, and what the base says to its terms."""
    return {"chatter": chatter.score(piece), **retriever.speaks(piece)}


@cache
def _installed() -> Mapping[str, float]:
    return json.loads(Path(__file__).with_name("focus.json").read_text("utf-8"))  # type: ignore[no-any-return]


def score(found: Mapping[str, float]) -> float:
    """The log-odds that a sentence is about something else."""
    weights = _installed()
    return weights["bias"] + sum(weights[name] * found[name] for name in FEATURES)


def beside(scores: Sequence[float], certain: bool = False) -> list[bool]:
    """Whether each sentence is to be left out, never all of them: by its own score and beside the surest problem.

    `certain`: whether there is a problem besides, such as an error line.
    """
    weights = _installed()
    surest = min(min(scores), SURE if certain else 0.0)
    least = min(weights["least"], weights["relative"] * surest)
    aside = [one > least for one in scores]
    return aside if certain or not all(aside) else [False] * len(aside)


def _with(reading: Reading, texts: Mapping[Line, str]) -> Reading:
    """The reading with other texts for some lines; a line without text goes."""
    matter = tuple(replace(line, text=texts.get(line, line.text)) for line in reading.matter if texts.get(line) != "")
    told = {line.text: text for line, text in texts.items()}
    prose = "\n".join(text for line in reading.prose.split("\n") if (text := told.get(line, line)))
    return replace(reading, matter=matter, prose=prose)
