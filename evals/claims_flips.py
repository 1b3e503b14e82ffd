"""Falsehoods and true near copies made from the sentences of incidents: `python -m evals claims --flips [N]`.

A sentence of a section is changed by one row of flips.yaml, by a name or number of another sentence, or by two of its
own names changing places; the true ones are the sentence itself and one row of same.yaml.
"""

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from app.claims import Sentence
from app.claims.form import form_problems
from app.claims.reading import Item, read
from app.claims.source import passages_of
from evals.claims_eval import Labelled
from kb import yamlio
from kb.types import SECTIONS, Incident, Lang

FOLDER = Path(__file__).parent / "claims"
SHORTEST, LONGEST, MIN_TERMS = 25, 260, 4  # characters, and items that say something
EACH = 3  # sentences of an incident
_MARKS = re.compile(r"\s*\[\d+\](?:\[\d+\])*")
_STRONG = re.compile(r"\*\*|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
_LIST = re.compile(r"[\s`,、/和与]*(?:and|or|,|和|或)?[\s`,、]*")
_TERMS = ("word", "name", "num", "version")


@cache
def _rows(file: str) -> Sequence[Mapping[str, str]]:
    path = FOLDER / file
    return yamlio.load(path.read_text(encoding="utf-8"), path)[0]  # type: ignore[no-any-return]


def made(incidents: Mapping[str, Incident], count: int, seed: int = 1) -> list[Labelled]:
    """Labelled sentences of `count` incidents drawn at random: of each sentence two true ones and two false ones."""
    chance = random.Random(seed)
    found: list[Labelled] = []
    for name in chance.sample(sorted(incidents), min(count, len(incidents))):
        own = list(_sentences(incidents[name]))
        whole = " ".join(text for _, _, text in own)
        for field, lang, text in chance.sample(own, min(EACH, len(own))):
            others = [other for _, spoken, other in own if spoken == lang and other != text]
            true = [("itself", text), *_some(chance, list(_changed(text, lang, "same.yaml")), 1)]
            false = _some(chance, list(_false(chance, text, lang, others)), 2)
            found += [_labelled(said, name, field, lang, True, kind) for kind, said in true]
            found += [_labelled(said, name, field, lang, False, kind) for kind, said in false if said not in whole]
    return found


def _some(chance: random.Random, rows: list[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    fit = [row for row in rows if not form_problems(row[1]) and row[1].count("`") % 2 == 0]
    return chance.sample(fit, min(most, len(fit)))


def _labelled(text: str, incident: str, field: str, lang: Lang, good: bool, why: str) -> Labelled:
    return Labelled(Sentence(text, incident, field), "", lang, good, why)


def _sentences(incident: Incident) -> Iterator[tuple[str, Lang, str]]:
    """Field, language and text of the sentences that stand alone, without citations and emphasis."""
    for lang, sections in incident.text.items():
        for field in SECTIONS:
            for passage in passages_of(getattr(sections, field), field, lang):
                text = _STRONG.sub("", _MARKS.sub("", passage.text)).strip()
                alone = (
                    not passage.code and "|" not in text and not text.endswith((":", "：")) and not form_problems(text)
                )
                terms = sum(item.kind in _TERMS for item in read(text))
                if alone and SHORTEST <= len(text) <= LONGEST and terms >= MIN_TERMS:
                    yield field, lang, text


def _changed(text: str, lang: Lang, file: str) -> Iterator[tuple[str, str]]:
    for row in _rows(file):
        if row.get("lang", lang) == lang and (said := re.sub(row["pattern"], row["by"], text, count=1)) != text:
            yield row["name"], said


def _false(chance: random.Random, text: str, lang: Lang, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from _changed(text, lang, "flips.yaml")
    items = read(text)
    pool = [(item, other[item.start : item.end]) for other in others for item in read(other)]
    for item in items:
        if item.kind in ("name", "code", "num", "version"):
            alike = [said for o, said in pool if (o.kind, o.unit) == (item.kind, item.unit) and said not in text]
            if alike:
                kind = "another name" if item.kind in ("name", "code") else "another number"
                yield kind, text[: item.start] + chance.choice(alike) + text[item.end :]
    names = [item for item in items if item.kind in ("name", "code")]
    yield from (("names swapped", _swapped(text, a, b)) for a, b in itertools.pairwise(names) if _apart(text, a, b))


def _apart(text: str, one: Item, two: Item) -> bool:
    """Two names that are not members of one list."""
    return one.key != two.key and not _LIST.fullmatch(text[one.end : two.start])


def _swapped(text: str, one: Item, two: Item) -> str:
    between = text[one.end : two.start]
    return text[: one.start] + text[two.start : two.end] + between + text[one.start : one.end] + text[two.end :]
