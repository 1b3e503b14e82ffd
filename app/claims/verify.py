"""The checks of one sentence in order. Empty result: it may be shown."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from threading import Lock

from app.claims.form import form_problems, language_problem
from app.claims.lexicon import word_class
from app.claims.model import FIELDS, Problem, Sentence
from app.claims.quoting import departure
from app.claims.source import IncidentSource, Source, addressed, paste_source
from app.claims.tokens import Token, tokens
from app.turn import numbers_in, without_citations
from kb.types import SECTIONS, Incident, Lang

_KEPT = 256  # incidents that stay read
_read: OrderedDict[int, tuple[Incident, IncidentSource]] = OrderedDict()
_lock = Lock()
_QUOTED = re.compile(r"`([^`]+)`|\"([^\"`]+)\"|“([^”`]+)”")
_CLAUSE = re.compile(r"[,，;；]\s*|\s(?=(?:while|although|but|and then)\s)|(?<=[\u3400-\u9fff])(?=而且?)")


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
    """The sources of one diagnosis, read once.

    `sent`: what may be told as evidence for an incident, of what the user sent, after redaction.
    """

    def __init__(self, sources: Mapping[str, Incident], sent: Callable[[str], str]) -> None:
        self._sources, self._sent = sources, sent
        self._pastes: dict[str, Source] = {}

    def problems(self, sentence: Sentence, lang: Lang) -> tuple[Problem, ...]:
        """What keeps the sentence from being shown, the first thing found."""
        return tuple(islice(self._problems(sentence, lang), 1))

    def _problems(self, sentence: Sentence, lang: Lang) -> Iterator[Problem]:
        if sentence.incident not in self._sources:
            yield Problem("incident", sentence.incident[:80])
            return
        source = _source_of(self._sources[sentence.incident])
        if sentence.field not in FIELDS:
            yield Problem("field", sentence.field[:80])
        elif sentence.field in SECTIONS and sentence.field not in source.filled:
            yield Problem("field", f"{sentence.incident} has no {sentence.field}")
        yield from form_problems(sentence.text)
        if problem := language_problem(sentence.text, lang):
            yield problem
        yield from _citation_problems(sentence, source)
        text = without_citations(sentence.text)
        if sentence.field == "evidence":
            departs = _reported(text, self._paste(sentence.incident))
        else:
            departs = _nearest(tokens(text), source.of(lang), reporting=False)
        if departs:
            yield Problem("support", departs)

    def _paste(self, incident: str) -> Source:
        if incident not in self._pastes:
            self._pastes[incident] = paste_source(self._sent(incident))
        return self._pastes[incident]


def _reported(text: str, paste: Source) -> str | None:
    """What a sentence about the paste says more than the paste: as a whole, or clause by clause.

    What it quotes letter by letter may stand anywhere.
    """
    departs = _nearest(addressed(tokens(text)), paste, reporting=True)
    if departs is None:
        return None
    rest = _QUOTED.sub(lambda match: " " if paste.holds(_quotation(match)) else match[0], text)
    clauses = [addressed(tokens(part)) for part in _CLAUSE.split(rest)]
    telling = [clause for clause in clauses if word_class("added", "reporting").stranger(clause)]
    if not telling:
        return None if rest != text else departs
    return next(filter(None, (_nearest(clause, paste, reporting=True) for clause in telling)), None)


def _quotation(match: re.Match[str]) -> list[Token]:
    return addressed(tokens(match[1] or match[2] or match[3]))


def _nearest(said: list[Token], source: Source, *, reporting: bool) -> str | None:
    """None where the sentence is taken over from a passage; else how it departs from the nearest one."""
    first = "nothing in common"
    for number, passage in enumerate(source.near(said)):
        departs = departure(said, passage, reporting)
        if departs is None:
            return None
        first = first if number else departs
    return first


def _citation_problems(sentence: Sentence, source: IncidentSource) -> Iterator[Problem]:
    """Marks of sources that the incident, or the cited field where it cites any, does not have."""
    known = {s.n for s in source.incident.sources}
    allowed = source.citations.get(sentence.field) or known
    for number in numbers_in(sentence.text):
        if number not in allowed & known:
            yield Problem("citation", f"[{number}]")


def verify(sentence: Sentence, sources: Mapping[str, Incident], paste: str, lang: Lang) -> tuple[Problem, ...]:
    """The problems of one sentence against the incidents it may cite and the redacted paste; empty: may be shown.

    Who checks many sentences of one diagnosis makes one Verifier and asks it.
    """
    return Verifier(sources, lambda incident: paste).problems(sentence, lang)
