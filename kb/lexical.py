"""BM25 over incidents, one index a language. The one seam to bm25s."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kb.rows import TermRows, encoded
from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, english_terms
from kb.types import Incident, Lang

_TITLE_WEIGHT, _SYMPTOM_WEIGHT = 3, 2  # how often these are counted; a cheap stand-in for BM25F's field weights


def document(incident: Incident, lang: Lang) -> list[str]:
    """The terms of an incident in one language; what describes the symptom counts more than the rest."""
    sections = incident.text[lang]
    signatures = " ".join(s.literal or "" for s in incident.signatures)
    names = " ".join([*incident.components, *incident.models, incident.id])
    symptom = " ".join([sections.symptom, signatures, *incident.asked.get(lang)])
    return (
        lexical_tokens(incident.title.get(lang)) * _TITLE_WEIGHT
        + lexical_tokens(symptom) * _SYMPTOM_WEIGHT
        + lexical_tokens(" ".join([names, sections.check, sections.cause, sections.fix]))
    )


def query_terms(text: str, lang: Lang) -> list[str]:
    """The terms of a query for the index of one language: its own words, and the glossary's translations."""
    extra = english_terms(text) if lang == "en" else chinese_terms(text)
    return list(dict.fromkeys(lexical_tokens(" ".join([text, *extra]))))


class LexicalIndex:
    """BM25 scores of all incidents that have text in one language."""

    def __init__(self, table: TermRows) -> None:
        """From what each term adds to the score of each incident that holds it."""
        self._table = table

    @classmethod
    def build(cls, incidents: Sequence[Incident], lang: Lang) -> "LexicalIndex":
        """Index the incidents that have text in `lang`."""
        import bm25s  # brings scipy; a query only adds up what was computed here

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every call at debug level to stderr
        chosen = [incident for incident in incidents if lang in incident.text]
        if not chosen:
            return cls(TermRows([], encoded([]), *(np.zeros(n, np.int32) for n in (1, 0, 0))))
        index = bm25s.BM25(method="lucene")
        index.index([document(incident, lang) for incident in chosen], show_progress=False)
        return cls(_by_term([incident.id for incident in chosen], index.vocab_dict, index.scores))

    def scores(self, terms: Sequence[str]) -> dict[str, float]:
        """The BM25 score of every incident that shares a term with the query, by incident id."""
        return self._table.named(self._table.sums(self._table.rows(terms)))

    def save(self, folder: Path) -> None:
        """Write the index into a new folder."""
        self._table.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Open an index that `save` wrote."""
        return cls(TermRows.load(folder))


def _by_term(ids: Sequence[str], row: Mapping[str, int], scores: Mapping[str, np.ndarray]) -> TermRows:
    """The scores that bm25s keeps in the order of its own vocabulary, in the order of the terms."""
    old = scores["indptr"]
    terms = sorted(term for term in row if row[term] + 1 < len(old))  # it adds an empty one, without a row
    cells = [np.arange(old[row[term]], old[row[term] + 1]) for term in terms]
    order = np.concatenate([np.zeros(0, np.int64), *cells])
    starts = np.concatenate([[0], np.cumsum([len(part) for part in cells], dtype=np.int64)])
    return TermRows(ids, encoded(terms), starts, scores["indices"][order], scores["data"][order])
