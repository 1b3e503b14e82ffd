"""Falsehoods made from the sentences of incidents, beside those themselves: `python -m evals claims --flips [N]`.

A sentence of a section is changed by one row of flips.yaml, by a name or number of another sentence, or by two of its
own names changing places; the true one is the sentence itself.
"""

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from app.claims import Sentence
from app.claims.form import form_problems
from app.turn import sentences, without_citations
from evals.claims_eval import Labelled
from kb import yamlio
from kb.types import SECTIONS, Incident, Lang

FOLDER = Path(__file__).parent / "claims"
SHORTEST, LONGEST = 25, 260  # characters
EACH = 3  # sentences of an incident
_STRONG = re.compile(r"\*\*|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
_NAME = re.compile(r"`[^`\s]+`|(?<![\w`])[A-Za-z]+(?:[-_./][A-Za-z0-9]+)+(?![\w`])")
_NUMBER = re.compile(r"(?<![\w.`-])\d+(?:\.\d+)*(?![\w.`-])")
_LIST = re.compile(r"[\s`,、/和与]*(?:and|or|,|和|或)?[\s`,、]*")


@cache
def _rows() -> Sequence[Mapping[str, str]]:
    path = FOLDER / "flips.yaml"
    return yamlio.load(path.read_text(encoding="utf-8"), path)[0]  # type: ignore[no-any-return]


def made(incidents: Mapping[str, Incident], count: int, seed: int = 1) -> list[Labelled]:
    """Labelled sentences of `count` incidents drawn at random: each sentence, and two falsehoods made from it."""
    chance = random.Random(seed)
    found: list[Labelled] = []
    for name in chance.sample(sorted(incidents), min(count, len(incidents))):
        own = list(_sentences(incidents[name]))
        whole = " ".join(text for _, _, text in own)
        for field, lang, text in chance.sample(own, min(EACH, len(own))):
            others = [other for _, spoken, other in own if spoken == lang and other != text]
            false = [row for row in _false(chance, text, lang, others) if not form_problems(row[1])]
            found.append(Labelled(Sentence(text, name, field), "", lang, True, "itself"))
            for kind, said in chance.sample(false, min(2, len(false))):
                if said not in whole and _plain(said) != _plain(text):
                    found.append(Labelled(Sentence(said, name, field), "", lang, False, kind))
    return found


def _plain(text: str) -> str:
    """What is left of a text without marks and capitals."""
    return "".join(sign for sign in text.lower() if sign.isalnum() or sign == "-")


def _sentences(incident: Incident) -> Iterator[tuple[str, Lang, str]]:
    """Field, language and text of the sentences that stand alone, without citations and emphasis."""
    for lang, sections in incident.text.items():
        for field in SECTIONS:
            for own in sentences(getattr(sections, field) or ""):
                text = _STRONG.sub("", without_citations(own)).strip()
                alone = "|" not in text and not text.endswith((":", "：")) and not form_problems(text)
                if alone and SHORTEST <= len(text) <= LONGEST:
                    yield field, lang, text


def _false(chance: random.Random, text: str, lang: Lang, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    for row in _rows():
        if row.get("lang", lang) == lang and (said := re.sub(row["pattern"], row["by"], text, count=1)) != text:
            yield row["name"], said
    for kind, pattern in (("another name", _NAME), ("another number", _NUMBER)):
        pool = sorted({match[0] for other in others for match in pattern.finditer(other)} - set(pattern.findall(text)))
        for match in pattern.finditer(text):
            if alike := [name for name in pool if name not in text]:
                yield kind, text[: match.start()] + chance.choice(alike) + text[match.end() :]
    for one, two in itertools.pairwise(_NAME.finditer(text)):
        between = text[one.end() : two.start()]
        if one[0] != two[0] and not _LIST.fullmatch(between):
            yield "names swapped", text[: one.start()] + two[0] + between + one[0] + text[two.end() :]
