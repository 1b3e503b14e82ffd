"""Which incidents hold which terms, weighed by rarity: how much of what a person says an incident tells, too."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
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

    def __init__(self, ids: Sequence[str], terms: Sequence[str], starts: np.ndarray, holders: np.ndarray) -> None:
        self._ids, self._terms, self._starts, self._holders = ids, terms, starts, holders
        self._row = {term: row for row, term in enumerate(terms)}
        *known, unknown = rarity_of(np.append(np.diff(starts), 0), len(ids)).tolist()
        self._rarity: list[float] = known
        self._unknown: float = unknown

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

    def weight(self, terms: Iterable[str]) -> float:
        """The rarity of all terms together."""
        rows = (self._row.get(term) for term in terms)
        return sum(self._unknown if row is None else self._rarity[row] for row in rows)

    def held(self, terms: Iterable[str]) -> dict[str, float]:
        """The rarity, summed, of the terms that each incident holds; only incidents that hold any."""
        sums = np.zeros(len(self._ids))
        for row in (self._row[term] for term in terms if term in self._row):
            sums[self._holders[self._starts[row] : self._starts[row + 1]]] += self._rarity[row]
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
