"""The checks of one sentence in order. Empty result: it may be shown."""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from app.claims.alignment import Claim, attribution_problems
from app.claims.doubts import doubts
from app.claims.existence import existence_problems
from app.claims.form import form_problems, language_problem
from app.claims.model import FIELDS, Problem, Sentence
from app.claims.reading import read
from app.claims.relations import direction_problems
from app.claims.source import IncidentSource, PasteSource, with_switches
from app.claims.support import strength_problems, support_problems
from kb.types import SECTIONS, Incident, Lang

_KEPT = 256  # incidents that stay read; about 1 MB each ten
_read: OrderedDict[int, tuple[Incident, IncidentSource]] = OrderedDict()
_lock = Lock()


def _source_of(incident: Incident) -> IncidentSource:
    """The incident as a source, read once while the object lives here."""
    with _lock:
        known = _read.get(id(incident))
        if known is not None and known[0] is incident:
            _read.move_to_end(id(incident))
            return known[1]
    source = IncidentSource(incident)
    with _lock:
        _read[id(incident)] = incident, source
        while len(_read) > _KEPT:
            _read.popitem(last=False)
    return source


class Verifier:
    """The sources of one diagnosis, read once. `paste` is what the user sent, after redaction."""

    def __init__(self, sources: Mapping[str, Incident], paste: str) -> None:
        self._sources = sources
        self._paste = PasteSource(paste)

    def problems(self, sentence: Sentence, lang: Lang) -> tuple[Problem, ...]:
        """Everything that keeps the sentence from being shown."""
        if sentence.incident not in self._sources:
            return (Problem("incident", sentence.incident[:80]),)
        if problem := self._field_problem(sentence):
            return (problem,)
        if problems := form_problems(sentence.text):
            return tuple(problems)
        if problem := language_problem(sentence.text, lang):
            return (problem,)
        return tuple(self._content_problems(sentence, lang))

    def _field_problem(self, sentence: Sentence) -> Problem | None:
        if sentence.field not in FIELDS:
            return Problem("field", sentence.field[:80])
        source = _source_of(self._sources[sentence.incident])
        if sentence.field in SECTIONS and sentence.field not in source.filled:
            return Problem("field", f"{sentence.incident} has no {sentence.field}")
        return None

    def _content_problems(self, sentence: Sentence, lang: Lang) -> list[Problem]:
        text, field = sentence.text, sentence.field
        incident = _source_of(self._sources[sentence.incident])
        items = with_switches(text, read(text))
        claim = Claim(text, items, field, [incident, self._paste] if field == "evidence" else [incident], lang)
        problems = list(existence_problems(claim, incident, self._paste))
        problems += support_problems(text, items, [incident, self._paste])
        problems += strength_problems(claim)
        problems += direction_problems(text, items, claim.sources)
        problems += attribution_problems(
            Claim(text, items, field, [self._paste], lang) if field == "evidence" else claim
        )
        return problems or list(doubts(claim, incident))


def verify(sentence: Sentence, sources: Mapping[str, Incident], paste: str, lang: Lang) -> tuple[Problem, ...]:
    """The problems of one sentence against the incidents it may cite and the redacted paste; empty: may be shown.

    Who checks many sentences of one diagnosis makes one Verifier and asks it.
    """
    return Verifier(sources, paste).problems(sentence, lang)
