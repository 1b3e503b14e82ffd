"""What a writer has to go on in one turn, and the incident's own text in the pieces it needs."""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.diagnosis import Cause, Diagnosis, Writer
from kb.evidence.model import Line
from kb.types import SECTIONS, Incident, Lang
from kb.writeups import CITATION

_CODE_BLOCK = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1 *$\n?", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+", re.MULTILINE)
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"“(\[])|(?<=[。！？])\s*|\n+")
_WORD = re.compile(r"[a-z0-9_.]{2,}|[\u4e00-\u9fff]{2}")
BELONGS = 0.6  # of the overlap with the section that is nearest
_ENDS_CITED = re.compile(rf"{CITATION.pattern}\W*$")


@dataclass(frozen=True, slots=True)
class Worded:
    """Who worded an answer, and how long it took: `first_sentence` and `write` where a model did."""

    writer: Writer = field(default_factory=Writer)
    timings_ms: Mapping[str, float] = field(default_factory=dict)


Pieces = Generator[str, None, Worded]  # the answer piece by piece, with its separators


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn to be worded: `diagnosis` with the composed answer; `lines` and `prose` are redacted, of all turns."""

    diagnosis: Diagnosis
    incidents: Mapping[str, Incident]  # those of the causes
    lines: Sequence[Line] = ()
    prose: str = ""

    @property
    def lang(self) -> Lang:
        """The language of the answer."""
        return self.diagnosis.language

    @property
    def paste(self) -> str:
        """What may be said of the person's case: their text, and what was read in it."""
        read = dict.fromkeys(line for cause in self.diagnosis.causes for line in _found(cause))
        return "\n".join([self.prose, *(line.text for line in self.lines), *read])

    def sent(self, incident: str) -> str:
        """What may be told as evidence for a cause: of all that was sent for the first of a problem, for its rivals
        only what was found for or against them.
        """
        cause = self.cause(incident)
        if cause is None:
            return ""
        return self.paste if self.leads(cause) else "\n".join(_found(cause))

    def leads(self, cause: Cause) -> bool:
        """Whether it is the first cause of its problem."""
        return next(c for c in self.diagnosis.causes if c.problem == cause.problem) is cause

    def cause(self, incident: str) -> Cause | None:
        """The cause of that incident."""
        return next((cause for cause in self.diagnosis.causes if cause.incident == incident), None)

    def section(self, incident: str, field: str) -> str:
        """A section of an incident in the language of the answer, as it stands there; empty for any other field."""
        if incident not in self.incidents or field not in SECTIONS:
            return ""
        return str(getattr(self.incidents[incident].sections(self.lang), field))

    def cited(self, incident: str, numbers: Sequence[int]) -> str:
        """Numbers of the incident's sources as marks of this diagnosis: ` [3, 4]`, or nothing."""
        cause = self.cause(incident)
        if cause is None or incident not in self.incidents or not numbers:
            return ""
        new = {s.n: c.n for s, c in zip(self.incidents[incident].sources, cause.sources, strict=True)}
        known = sorted({new[n] for n in numbers if n in new})
        return f" [{', '.join(map(str, known))}]" if known else ""

    def belongs(self, text: str, incident: str, field: str) -> bool:
        """Whether the text reads like the section it names, and not much more like another one of the incident."""
        if field not in SECTIONS:
            return True
        shares = {name: self._nearness(text, incident, name) for name in SECTIONS}
        return shares[field] >= BELONGS * max(shares.values())

    def _nearness(self, text: str, incident: str, field: str) -> float:
        return max((overlap(text, own) for own in sentences(self.section(incident, field))), default=0.0)

    def marks(self, text: str, incident: str, field: str) -> str:
        """The sources that the cited field names for what reads most like the text.

        A sentence without a citation has that of the next one in its paragraph, if it stands at its end.
        """
        paragraphs = [sentences(part) for part in self.section(incident, field).split("\n\n")]
        places = [(overlap(text, one), -at, paragraph) for paragraph in paragraphs for at, one in enumerate(paragraph)]
        if not places:
            return ""
        _, at, paragraph = max(places, key=lambda place: place[:2])
        own = paragraph[-at]
        next_cited = next((one for one in paragraph[-at:] if numbers_in(one)), "")
        return self.cited(
            incident, numbers_in(own) or (numbers_in(next_cited) if _ENDS_CITED.search(next_cited) else [])
        )


def _found(cause: Cause) -> list[str]:
    return [*cause.supports, *cause.contradicts, cause.versions.detail]


def prose_of(markdown: str) -> str:
    """The text without its blocks of code."""
    return _CODE_BLOCK.sub("", markdown).strip()


def sentences(markdown: str) -> list[str]:
    """The sentences of the prose, list marks taken off, citations as they stand."""
    return [part.strip() for part in _BREAK.split(_ITEM.sub("", prose_of(markdown))) if part and part.strip(" :：.")]


def numbers_in(text: str) -> list[int]:
    """The numbers of the sources that a text cites."""
    return [int(n) for match in CITATION.finditer(text) for n in re.findall(r"\d+", match[1])]


def without_citations(text: str) -> str:
    """The text without its citations."""
    return re.sub(rf"\s*{CITATION.pattern}", "", text)


def overlap(one: str, other: str) -> float:
    """The share of the words (in Chinese: pairs of characters) of `one` that occur in `other`."""
    words = set(_words(one))
    return len(words & set(_words(other))) / len(words) if words else 0.0


def _words(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text.lower()):
        yield match[0].strip(".")
