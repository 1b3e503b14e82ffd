"""BM25 over incidents, one index a language. The one seam to bm25s."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import bm25s
import numpy as np

from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, english_terms
from kb.types import Incident, Lang

logging.getLogger("bm25s").setLevel(logging.WARNING)  # it logs every call at debug level to stderr
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

    def __init__(self, ids: Sequence[str], index: bm25s.BM25 | None) -> None:
        self._ids, self._index = ids, index
        self._known: Mapping[str, int] = index.vocab_dict if index else {}

    @classmethod
    def build(cls, incidents: Sequence[Incident], lang: Lang) -> "LexicalIndex":
        """Index the incidents that have text in `lang`."""
        chosen = [incident for incident in incidents if lang in incident.text]
        if not chosen:
            return cls([], None)
        index = bm25s.BM25(method="lucene")
        index.index([document(incident, lang) for incident in chosen], show_progress=False)
        return cls([incident.id for incident in chosen], index)

    def scores(self, terms: Sequence[str]) -> dict[str, float]:
        """The BM25 score of every incident that shares a term with the query, by incident id."""
        known = [term for term in terms if term in self._known]
        if self._index is None or not known:
            return {}
        scores = self._index.get_scores(known)
        return {self._ids[i]: float(scores[i]) for i in np.flatnonzero(scores).tolist()}

    def save(self, folder: Path) -> None:
        """Write the index to a folder."""
        folder.mkdir(parents=True)
        (folder / "ids.json").write_text(json.dumps(self._ids), encoding="utf-8")
        if self._index is not None:
            self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Read an index that `save` wrote."""
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        return cls(ids, bm25s.BM25.load(folder) if ids else None)
