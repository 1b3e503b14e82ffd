"""Which incident the terms of a question speak for: a linear softmax, learned from what the casebook itself says.

Every phrase in which an incident is asked for, its title, symptom, signatures and the rest of it are examples of it,
each to be told from all other incidents. BM25 knows how rare a term is; this knows between which incidents it decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from kb.rows import TermRows, encoded
from kb.terms import rarity_of, spoken_terms
from kb.types import Incident

Array = np.ndarray[Any, np.dtype[np.float32]]
# Chosen on development questions (evals/LOG.md): a start at the mean of an incident's examples, times START; then
# Adagrad (Duchi et al., 2011) over batches of examples that each lose a share of their terms.
START, EPOCHS, BATCH, RATE, LOST, SMALL = 24.0, 4, 64, 1.0, 0.3, 0.003
# "None of them" weighs as a score of half of START: without it a base of three incidents would be sure of anything.
NONE, FLOOR = 12.0, 15.0
MAX_CELLS = 80_000_000  # terms × incidents while learning, 4 bytes twice: the most frequent terms of a large base
MAX_WORK = 300_000_000  # examples × incidents × epochs: fewer epochs for a large base

_RARITY = "rarity.npy"


@dataclass(frozen=True)
class _Examples:
    """Rows of weighed terms, each of length 1, and whose they are."""

    rows: Any  # scipy's CSR matrix: examples × terms
    owners: np.ndarray


def examples(incident: Incident) -> Iterator[str]:
    """The texts that an incident is learned from."""
    yield " ".join(s.literal or "" for s in incident.signatures)
    for lang, sections in incident.text.items():
        title = incident.title.get(lang)
        yield from (title, f"{title}\n{sections.symptom}", " ".join([sections.check, sections.cause, sections.fix]))
    yield from (*incident.asked.en, *incident.asked.zh)


class LearnedTerms:
    """For each term, how much it speaks for or against each incident."""

    def __init__(self, table: TermRows, rarity: Array) -> None:
        """From the weight of each term for incidents, and the rarity of each term."""
        self._table, self._rarity = table, rarity

    @classmethod
    def learn(cls, texts: Mapping[str, Iterable[str]]) -> "LearnedTerms":
        """From incident id → its examples. The same texts give the same table."""
        ids = sorted(texts)
        owned = [(n, spoken_terms(text)) for n, name in enumerate(ids) for text in texts[name]]
        owned = [(n, terms) for n, terms in owned if terms]
        terms, rarity = _vocabulary(owned, len(ids))
        weights = _learn(_weighed(owned, terms, rarity), len(ids))
        kept = np.abs(weights) > 2 * SMALL
        starts = np.concatenate([[0], np.cumsum(kept.sum(1, dtype=np.int64))])
        columns = np.nonzero(kept)[1].astype(np.int32)
        return cls(TermRows(ids, encoded(terms), starts, columns, weights[kept].astype(np.float16)), rarity)

    def scores(self, terms: Iterable[str]) -> dict[str, float]:
        """How much some terms speak for each incident, in [0, 1]: 1 + ln(its share) / FLOOR, 0 at the least."""
        rows = self._table.rows(sorted(terms))
        sums = self._table.sums(rows, self._rarity)
        sums /= max(float(np.linalg.norm(self._rarity[rows])), 1e-6)
        top = max(float(sums.max(initial=0.0)), NONE)
        whole = top + log(np.exp(sums - top).sum() + np.exp(NONE - top))
        shares = np.maximum(1 + (sums - whole) / FLOOR, 0.0)
        return self._table.named(shares)

    def save(self, folder: Path) -> None:
        """Write the table into a new folder."""
        self._table.save(folder)
        np.save(folder / _RARITY, self._rarity, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "LearnedTerms":
        """Open a table that `save` wrote."""
        return cls(TermRows.load(folder), np.load(folder / _RARITY, allow_pickle=False))


def _vocabulary(owned: Sequence[tuple[int, Set[str]]], incidents: int) -> tuple[list[str], Array]:
    """The terms of two examples or more, and their rarity among the incidents."""
    counts: dict[str, int] = {}
    owners: dict[str, set[int]] = {}
    for number, terms in owned:
        for term in terms:
            counts[term] = counts.get(term, 0) + 1
            owners.setdefault(term, set()).add(number)
    often = sorted((t for t in counts if counts[t] > 1), key=lambda t: (-counts[t], t))
    chosen = sorted(often[: max(MAX_CELLS // max(incidents, 1), 1)])
    held = np.array([len(owners[t]) for t in chosen])
    return chosen, rarity_of(held, incidents).astype(np.float32)


def _weighed(owned: Sequence[tuple[int, Set[str]]], terms: Sequence[str], rarity: Array) -> _Examples:
    from scipy.sparse import csr_matrix  # a tenth of a second that a diagnosis need not wait for

    row = {term: n for n, term in enumerate(terms)}
    known = [np.array(sorted(row[t] for t in held if t in row), np.int64) for _, held in owned]
    lengths = np.array([len(columns) for columns in known])
    values = [rarity[c] / max(float(np.linalg.norm(rarity[c])), 1e-6) for c in known]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    cells = (np.concatenate([*values, rarity[:0]]), np.concatenate([*known, np.zeros(0, np.int64)]), starts)
    return _Examples(csr_matrix(cells, (len(owned), len(terms)), np.float32), np.array([n for n, _ in owned]))


def _learn(given: _Examples, incidents: int) -> Array:
    """The weights, terms × incidents."""
    weights = _means(given, incidents)
    gone = np.full(weights.shape, 1e-6, np.float32)  # squares of the gradients so far
    count = len(given.owners)
    epochs = min(max(MAX_WORK // max(count * incidents, 1), 1), EPOCHS)
    chance = np.random.default_rng(0)
    for order in chain.from_iterable(_batches(chance.permutation(count)) for _ in range(epochs)):
        _step(weights, gone, given.rows[order], given.owners[order], chance)
    return weights


def _batches(order: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _means(given: _Examples, incidents: int) -> Array:
    from scipy.sparse import csr_matrix

    count = len(given.owners)
    owns = csr_matrix((np.ones(count, np.float32), (given.owners, np.arange(count))), (incidents, count))
    sums = np.ascontiguousarray((owns @ given.rows).toarray().T)
    return np.asarray(sums * (START / np.maximum(np.linalg.norm(sums, axis=0), 1e-6)), np.float32)


def _step(weights: Array, gone: Array, rows: Any, owners: np.ndarray, chance: np.random.Generator) -> None:
    """One step down the gradient of the log loss; what hardly matters of it is left out, so that it stays sparse."""
    from scipy.sparse import csr_matrix

    rows.data *= chance.random(len(rows.data)) >= LOST
    scores = rows @ weights
    error = np.exp(scores - scores.max(1, keepdims=True))
    error /= error.sum(1, keepdims=True)
    error[np.arange(len(owners)), owners] -= 1
    error[np.abs(error) < SMALL] = 0
    gradient = (rows.T @ csr_matrix(error / len(owners))).tocoo()
    at = (gradient.row, gradient.col)
    gone[at] += gradient.data**2
    weights[at] -= RATE * gradient.data / np.sqrt(gone[at])
