"""A rerank model's word on the first candidates: one feature beside the others; where the model fails, none."""

import time
from collections.abc import Callable, Sequence

from app.features import Candidate, add_leads
from app.settings import Settings
from kb.errors import UnavailableError
from kb.rerank import Reranker, open_reranker
from kb.types import Incident, Lang

MAX_RERANKED = 20
MAX_SYMPTOM = 1200  # characters; most rerank models read 512 tokens of question and text together
REST_S = 30.0  # that a model which failed is left alone


class Reranking:
    """One rerank model, and what becomes of a question when it fails. Not for threads at once."""

    def __init__(
        self, reranker: Reranker, notify: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reranker, self._notify, self._clock = reranker, notify, clock
        self._rests_until, self._failing = 0.0, False

    def add(self, found: Sequence[Candidate], question: str, lang: Lang) -> None:
        """Set the feature `rerank` of the first candidates, and its lead. A failure is noted once, never raised."""
        first = found[:MAX_RERANKED]
        if not first or not question.strip() or self._clock() < self._rests_until:
            return
        try:
            scores = self._reranker.score(question, [_text(c.incident, lang) for c in first])
        except UnavailableError as error:
            if not self._failing:
                self._notify(f"{error}; ranking without it")
            self._rests_until, self._failing = self._clock() + REST_S, True
            return
        self._failing = False
        for candidate, score in zip(first, scores, strict=True):
            candidate.features["rerank"] = score
        add_leads(found)


def open_reranking(settings: Settings, notify: Callable[[str], None]) -> Reranking | None:
    """The rerank model that the settings name; nothing is loaded or connected yet. None where they name none."""
    reranker = reranker_of(settings)
    return Reranking(reranker, notify) if reranker else None


def reranker_of(settings: Settings) -> Reranker | None:
    """The model alone, for a look at whether it works."""
    key = settings.rerank_api_key.get_secret_value() if settings.rerank_api_key else None
    return open_reranker(settings.rerank, key) if settings.rerank else None


def _text(incident: Incident, lang: Lang) -> str:
    return f"{incident.title.get(lang)}\n{incident.sections(lang).symptom[:MAX_SYMPTOM]}"
