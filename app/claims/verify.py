"""The checks of one sentence in order. Empty result: it may be shown."""

from collections.abc import Mapping

from app.claims.form import form_problems, language_problem
from app.claims.model import FIELDS, Problem, Sentence
from kb.types import Incident, Lang


class Verifier:
    """The sources of one diagnosis, read once. `paste` is what the user sent, after redaction."""

    def __init__(self, sources: Mapping[str, Incident], paste: str) -> None:
        self._sources, self._paste = sources, paste

    def problems(self, sentence: Sentence, lang: Lang) -> tuple[Problem, ...]:
        """Everything that keeps the sentence from being shown."""
        if sentence.incident not in self._sources:
            return (Problem("incident", sentence.incident[:80]),)
        if sentence.field not in FIELDS:
            return (Problem("field", sentence.field[:80]),)
        if problems := form_problems(sentence.text):
            return tuple(problems)
        wrong = language_problem(sentence.text, lang)
        return (wrong,) if wrong else ()


def verify(sentence: Sentence, sources: Mapping[str, Incident], paste: str, lang: Lang) -> tuple[Problem, ...]:
    """The problems of one sentence against the incidents it may cite and the redacted paste; empty: may be shown.

    Who checks many sentences of one diagnosis makes one Verifier and asks it.
    """
    return Verifier(sources, paste).problems(sentence, lang)
