"""Which incidents hold which terms, weighed by rarity: how much of what a person says an incident tells, too."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, english_terms
from kb.types import Incident


def symptom_terms(incident: Incident) -> set[str]:
    """The terms of what is seen of an incident or asked, in all its languages: title, symptom, signatures, names."""
    parts = [incident.id, *incident.components, *incident.models, *(s.literal or "" for s in incident.signatures)]
    parts += [*incident.asked.en, *incident.asked.zh]
    parts += [text for lang, sections in incident.text.items() for text in (incident.title.get(lang), sections.symptom)]
    return {*lexical_tokens(" ".join(parts))}


def all_terms(incident: Incident) -> set[str]:
    """The terms of the whole incident, in all its languages."""
    rest = [text for s in incident.text.values() for text in (s.check, s.cause, s.fix)]
    return symptom_terms(incident) | {*lexical_tokens(" ".join(rest))}


def spoken_terms(text: str) -> set[str]:
    """The terms of a question, with the glossary's translations into the other language."""
    return {*lexical_tokens(" ".join([text, *english_terms(text), *chinese_terms(text)]))}


Held = tuple[float, Mapping[str, float]]  # the rarity of some terms in all, and of those that each incident holds


# A name as programs write it: with an underscore, dot or dash inside, or a digit; a bare number or version is none.
_NAME = re.compile(r"(?=.*[a-z])(?:.*[a-z0-9][_.\-][a-z0-9]|.*\d)", re.ASCII)


def names_in(text: str) -> set[str]:
    """The terms of a text that are names of things: identifiers, flags, models, products with a digit."""
    return {term for term in lexical_tokens(text) if _NAME.match(term)}


class TermTable:
    """For each term the incidents that hold it; a term that none holds weighs as the rarest possible one."""

    def __init__(self, ids: Sequence[str], terms: Sequence[str], starts: np.ndarray, holders: np.ndarray) -> None:
        self._ids, self._starts, self._holders = ids, starts, holders
        self._row = {term: row for row, term in enumerate(terms)}
        self._terms = terms

    @classmethod
    def build(cls, held: Mapping[str, Iterable[str]]) -> "TermTable":
        """From incident id → its terms."""
        ids, by_term = sorted(held), dict[str, list[int]]()
        for number, name in enumerate(ids):
            for term in held[name]:
                by_term.setdefault(term, []).append(number)
        terms = sorted(by_term)
        counts = [len(by_term[term]) for term in terms]
        holders = [number for term in terms for number in by_term[term]]
        return cls(ids, terms, np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), np.array(holders, np.int32))

    def rarity(self, term: str) -> float:
        """Lucene's inverse document frequency, ln(1 + (N - df + 0.5) / (df + 0.5))."""
        frequency = len(self._held_by(term))
        return math.log(1 + (len(self._ids) - frequency + 0.5) / (frequency + 0.5))

    def _held_by(self, term: str) -> np.ndarray:
        row = self._row.get(term)
        return self._holders[:0] if row is None else self._holders[self._starts[row] : self._starts[row + 1]]

    def weight(self, terms: Iterable[str]) -> float:
        """The rarity of all terms together."""
        return sum(self.rarity(term) for term in terms)

    def held(self, terms: Iterable[str]) -> dict[str, float]:
        """The rarity, summed, of the terms that each incident holds; only incidents that hold any."""
        sums = np.zeros(len(self._ids))
        for term in terms:
            sums[self._held_by(term)] += self.rarity(term)
        return {self._ids[number]: float(sums[number]) for number in np.flatnonzero(sums).tolist()}

    def save(self, path: Path) -> None:
        """Write the table to a file."""
        ids, terms = np.array(self._ids, str), np.array(self._terms, str)
        with path.open("wb") as file:
            np.savez(file, ids=ids, terms=terms, starts=self._starts, holders=self._holders)

    @classmethod
    def load(cls, path: Path) -> "TermTable":
        """Read a table that `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(data["ids"].tolist(), data["terms"].tolist(), data["starts"], data["holders"])
