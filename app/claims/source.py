"""What sentences may be taken from: the passages of an incident by language, and those of what the person sent."""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cached_property
from itertools import chain, pairwise

from app.claims.quoting import Passage
from app.claims.tokens import Token, tokens
from app.turn import numbers_in, sentences, without_citations
from kb.types import SECTIONS, Incident, Lang

MAX_LINES = 2000  # distinct lines of what was sent, half of them from its end
MAX_LINE = 600  # characters
CANDIDATES = 8  # passages that a sentence is compared with
_REMARK = re.compile(r"\s*(?:(?<![A-Za-z0-9_])\(|（)[^()（）]*[)）]")  # what a name is called with is none
_ASIDE = " | "  # between two sentences that stand side by side
_SPEAKER = {"i": "you", "me": "you", "we": "you", "us": "you", "my": "your", "our": "your", "我": "你", "您": "你"}


class Source:
    """Passages, and those that share most with a sentence."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._passages = [(passage, {t.key for t in passage.tokens}) for passage in passages if passage.tokens]

    def near(self, said: Sequence[Token]) -> list[Passage]:
        """The passages that share the most words with a sentence, best first, of equal ones the shortest."""
        keys = {token.key for token in said}
        ranked = sorted(self._passages, key=lambda row: (-len(keys & row[1]), len(row[0].tokens)))
        return [passage for passage, own in ranked[:CANDIDATES] if keys & own]

    def holds(self, said: Sequence[Token]) -> bool:
        """Whether the tokens stand somewhere one after the other."""
        wanted = _flat(said)
        keys = {token.key for token in said}
        return bool(keys) and any(wanted in _flat(passage.tokens) for passage, own in self._passages if keys <= own)


class IncidentSource:
    """An incident, read once for each language that is asked for."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self._read: dict[Lang, Source] = {}

    @cached_property
    def filled(self) -> set[str]:
        """The sections that hold anything."""
        texts = self.incident.text.values()
        return {name for name in SECTIONS if any(getattr(sections, name) for sections in texts)}

    @cached_property
    def citations(self) -> dict[str, set[int]]:
        """Section → the numbers of the sources that it cites, in any language."""
        texts = self.incident.text.values()
        return {name: {n for s in texts for n in numbers_in(getattr(s, name) or "")} for name in SECTIONS}

    def of(self, lang: Lang) -> Source:
        """What it says in a language."""
        if lang not in self._read:
            self._read[lang] = Source(_passages(self.incident, lang))
        return self._read[lang]


def paste_source(paste: str) -> Source:
    """What the person sent: its lines, their sentences, and lines that follow each other."""
    lines = list(dict.fromkeys(line[:MAX_LINE] for line in paste.splitlines() if line.strip()))
    if len(lines) > MAX_LINES:
        lines = lines[: MAX_LINES // 2] + lines[-MAX_LINES // 2 :]
    texts = chain(lines, *(sentences(line) for line in lines), (_ASIDE.join(two) for two in pairwise(lines)))
    return Source(Passage(addressed(tokens(text)), frozenset()) for text in dict.fromkeys(texts))


def addressed(said: Sequence[Token]) -> list[Token]:
    """Tokens as one says them to the person who wrote them: "my log" is "your log"."""
    return [token._replace(key=_SPEAKER.get(token.key, token.key)) for token in said if token.key != "们"]


def _passages(incident: Incident, lang: Lang) -> Iterator[Passage]:
    title = incident.title.get(lang)
    yield from _told(title, frozenset())
    sections = incident.sections(lang)
    for name in SECTIONS:
        known: Set[str] = {token.key for token in tokens(title)}
        before = ""
        for own in map(without_citations, sentences(getattr(sections, name) or "")):
            yield from _told(own, known)
            if before:
                yield from _told(_ASIDE.join((before, own)), known)
            known = known | {token.key for token in tokens(own)}
            before = own


def _told(text: str, known: Set[str]) -> Iterator[Passage]:
    """A text, and the same without its remarks in brackets."""
    for said in dict.fromkeys((text, _REMARK.sub("", text))):
        yield Passage(tokens(said), known)


def _flat(said: Sequence[Token]) -> str:
    return f" {' '.join(token.key for token in said)} "
