"""A sentence → how much it sounds like a symptom, a cause, a fix, a failed attempt, a success. Pure.

A multinomial logistic model over words, word pairs, the openings of clauses and the cues of `cues.yaml`; its weights
are in roles.json and are learned by `python -m evals ingest-fit`. The scores are log-odds against all else.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

ROLES = ("symptom", "check", "cause", "fix", "failed", "works", "other")
Scores = Mapping[str, float]
_MOST = 600  # characters of a sentence that are looked at
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("<url>", r"https?://\S+"),
        (
            "<command>",
            r"`?(?:\$ ?|sudo )?\b(?:pip3?|uv|conda|git|apt(?:-get)?|npm|docker|kubectl|export) [a-z-]+[^`\n]{0,80}`?",
        ),
        ("<flag>", r"`?(?<![\w-])--?[a-z][\w-]+(?:[= ][\w./:-]+)?[^`\n]{0,40}`|(?<![\w-])--[a-z][\w-]+"),
        ("<assign>", r"`[^`\n]{1,60}[=:]\s*[^`\n]{1,60}`|\b[A-Za-z_][\w.]*=[\w\"'./-]+"),
        ("<code>", r"`[^`\n]+`"),
        ("<change>", r"\bPR\b|(?<!\w)#\d{2,}"),
        ("<mention>", r"@[\w-]+"),
        ("<version>", r"(?:>=|<=|==|[<>v])?\d+\.\d+(?:\.\w+)*(?:\+\w+)?"),
        ("<name>", r"\b\w+(?:[._]\w+)+(?:\(\))?|\b\w*[a-z][A-Z]\w*\b|\b[A-Z]{2,}[A-Z_\d]*\b"),
        ("<number>", r"\d+(?:[.,]\d+)*%?"),
    )
)
_WORD = re.compile(r"<\w+>|[a-z]+(?:['’][a-z]+)?|[\u4e00-\u9fff]+|[,;:.!?，。；：！？、\n…👍🎉🙏]")
_STOPS = frozenset(",;:.!?，。；：！？\n")


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model: the weights of every feature, one for each role in the order of ROLES."""

    weights: Mapping[str, Sequence[float]]
    bias: Sequence[float]

    def scores(self, text: str, cues: Iterable[str] = ()) -> Scores:
        """The log-odds of each role against the rest, by name."""
        sums = list(self.bias)
        for feature in features(text, cues):
            for i, weight in enumerate(self.weights.get(feature, ())):
                sums[i] += weight
        return log_odds(dict(zip(ROLES, sums, strict=True)))


@cache
def _installed() -> Model:
    data = json.loads(Path(__file__).with_name("roles.json").read_text("utf-8"))
    return Model(data["weights"], data["bias"])


def tokens(text: str) -> list[str]:
    """Words, marks for names and numbers, and single runs of Chinese characters, in order."""
    text = text[:_MOST]
    for name, pattern in _MARKS:
        text = pattern.sub(f" {name} ", text)
    return _WORD.findall(text.lower())


def features(text: str, cues: Iterable[str] = ()) -> set[str]:
    """What the model sees of a sentence."""
    found = {f"cue:{name}" for name in cues}
    found.update(_grams(tokens(text)))
    found.add(f"long:{min(int(math.log2(1 + len(text))), 9)}")
    return found


def _grams(words: list[str]) -> Iterator[str]:
    before, opening = "^", True
    for word in words:
        if word in _STOPS:
            yield word
            before, opening = "^", True
            continue
        if "\u4e00" <= word[0] <= "\u9fff":
            yield from _characters(word, opening)
        else:
            yield word
            yield f"{before} {word}"
        before, opening = (word if len(word) < 12 else "…"), False
    if words:
        yield f"^^ {words[0][:4]}"
        yield f"$ {words[-1][-4:]}"


def _characters(run: str, opening: bool) -> Iterator[str]:
    if opening:
        yield f"^ {run[0]}"
        yield f"^ {run[:2]}"
    for size in (1, 2, 3):
        for at in range(len(run) - size + 1):
            yield run[at : at + size]


@lru_cache(8192)
def scores(text: str, cues: frozenset[str] = frozenset()) -> Scores:
    """The scores of the model that comes with the program."""
    return _installed().scores(text, cues)


def log_odds(logits: Mapping[str, float]) -> Scores:
    """Log-odds of each class against all others, from the logits of a softmax."""
    most = max(logits.values())
    powers = {name: math.exp(value - most) for name, value in logits.items()}
    whole = sum(powers.values())
    return {n: max(-8.0, min(8.0, math.log(p + 1e-12) - math.log(whole - p + 1e-12))) for n, p in powers.items()}
