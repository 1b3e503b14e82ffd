"""Which incidents hold which terms, weighed by rarity: how much of what a person says an incident tells, too."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from kb.rows import TermRows, encoded
from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, english_terms
from kb.types import Incident


def symptom_terms(incident: Incident) -> set[str]:
    """The terms of what is seen of an incident or asked, in all its languages: title, symptom, signatures, names."""
    parts = [incident.id, *incident.components, *incident.models, *(s.literal or "" for s in incident.signatures)]
    parts += [*incident.asked.en, *incident.asked.zh]
    parts += [text for lang, sections in incident.text.items() for text in (incident.title.get(lang), sections.symptom)]
    return {*lexical_tokens(" ".join(parts))}


def told_terms(incident: Incident) -> set[str]:
    """The terms of what the incident says of its check, cause and fix, in all its languages."""
    return {*lexical_tokens(" ".join(text for s in incident.text.values() for text in (s.check, s.cause, s.fix)))}


@lru_cache(maxsize=4)  # one turn weighs the same question several times
def spoken_terms(text: str) -> frozenset[str]:
    """The terms of a question, with the glossary's translations into the other language."""
    return frozenset(lexical_tokens(" ".join([text, *english_terms(text), *chinese_terms(text)])))


def rarity_of(holders: np.ndarray, incidents: int) -> np.ndarray:
    """Lucene's inverse document frequency of terms that df of N incidents hold: ln(1 + (N - df + 0.5) / (df + 0.5))."""
    return np.asarray(np.log(1 + (incidents - holders + 0.5) / (holders + 0.5)))


Held = tuple[float, Mapping[str, float]]  # the rarity of some terms in all, and of those that each incident holds


# A name as programs write it: with an underscore, dot or dash inside, or a digit; a bare number or version is none.
_NAME = re.compile(r"(?=.*[a-z])(?:.*[a-z0-9][_.\-][a-z0-9]|.*\d)", re.ASCII)


def names_in(text: str) -> set[str]:
    """The terms of a text that are names of things: identifiers, flags, models, products with a digit."""
    return {term for term in lexical_tokens(text) if _NAME.match(term)}


class TermTable:
    """For each term the incidents that hold it; a term that none holds weighs as the rarest possible one."""

    def __init__(self, table: TermRows) -> None:
        self._table = table
        known = rarity_of(np.append(table.holders(), 0), len(table.ids)).tolist()
        self._rarity: list[float] = known[:-1]
        self._unknown: float = known[-1]

    @classmethod
    def build(cls, held: Mapping[str, Iterable[str]]) -> "TermTable":
        """From incident id → its terms."""
        ids, by_term = sorted(held), dict[str, list[int]]()
        for number, name in enumerate(ids):
            for term in held[name]:
                by_term.setdefault(term, []).append(number)
        terms = sorted(by_term)
        counts = np.array([len(by_term[term]) for term in terms], np.int64)
        holders = np.array([number for term in terms for number in by_term[term]], np.int32)
        rarity = np.repeat(rarity_of(counts, len(ids)), counts).astype(np.float32)
        return cls(TermRows(ids, encoded(terms), np.concatenate([[0], np.cumsum(counts)]), holders, rarity))

    def weight(self, terms: Iterable[str]) -> float:
        """The rarity of all terms together."""
        wanted = [*terms]
        rows = self._table.rows(wanted)
        return sum(self._rarity[row] for row in rows) + self._unknown * (len(wanted) - len(rows))

    def held(self, terms: Iterable[str]) -> dict[str, float]:
        """The rarity, summed, of the terms that each incident holds; only incidents that hold any."""
        return self._table.named(self._table.sums(self._table.rows([*terms])))

    def save(self, folder: Path) -> None:
        """Write the table into a new folder."""
        self._table.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "TermTable":
        """Open a table that `save` wrote."""
        return cls(TermRows.load(folder))
