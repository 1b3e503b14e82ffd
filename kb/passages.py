"""Incidents → passages: pieces small enough that an embedding model reads all of each."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kb.translate import to_english
from kb.types import Incident, Lang

MAX_TOKENS = 256
MIN_WORDS = 3  # a question of which fewer words are left in translation lies near everything
ASKED = "asked"
EMBEDDED = 5  # questions of an incident in a language: to embed more of them gains nothing (evals/LOG.md)
SYMPTOM = "symptom"  # the one section to embed: BM25 reads the others, to embed them gains nothing (evals/LOG.md)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one section of one incident in one language.

    `embedded` is what the model is given: the text itself, or its English terms for a model without Chinese.
    """

    id: str
    incident: str
    lang: Lang
    section: str
    text: str
    embedded: str

    @property
    def digest(self) -> str:
        """Changes when the text or what is embedded of it does."""
        return hashlib.sha256(f"{self.text}\0{self.embedded}".encode()).hexdigest()[:16]


def passages(incident: Incident, count_tokens: Callable[[str], int], reads_chinese: bool) -> Iterator[Passage]:
    """The passages of an incident; each holds the title, and at most 256 tokens where lines allow it.

    For a model without Chinese a Chinese symptom says what the English one says, in fewer words, and is left out.
    """
    for lang, sections in incident.text.items():
        title = incident.title.get(lang)
        if reads_chinese or lang == "en" or "en" not in incident.text:
            pieces = split_lines(sections.symptom, MAX_TOKENS - count_tokens(title) - 4, count_tokens)
            for number, piece in enumerate(pieces):
                yield _passage(incident, lang, SYMPTOM, number, f"{title}\n{piece}", reads_chinese)
        for number, question in enumerate(incident.asked.get(lang)[:EMBEDDED]):
            passage = _passage(incident, lang, ASKED, number, question, reads_chinese)
            if passage.embedded == question or len(passage.embedded.split()) >= MIN_WORDS:
                yield passage


def _passage(incident: Incident, lang: Lang, section: str, number: int, text: str, reads_chinese: bool) -> Passage:
    embedded = text if lang == "en" or reads_chinese else to_english(text)
    return Passage(f"{incident.id}:{lang}:{section}:{number}", incident.id, lang, section, text, embedded)


def split_lines(text: str, limit: int, count_tokens: Callable[[str], int]) -> list[str]:
    """Pieces of whole lines with at most `limit` tokens each; a longer single line is halved until it fits.

    Lines are never joined or reflowed: tracebacks and tables keep their shape.
    """
    pieces: list[str] = []
    current: list[str] = []
    for line in (part for whole in text.split("\n") for part in _halves(whole, max(limit, 16), count_tokens)):
        if current and count_tokens("\n".join([*current, line])) > limit:
            pieces.append("\n".join(current))
            current = []
        current.append(line)
    pieces.append("\n".join(current))
    return [piece for piece in pieces if piece.strip()]


def _halves(line: str, limit: int, count_tokens: Callable[[str], int]) -> list[str]:
    if len(line) < 2 or count_tokens(line) <= limit:
        return [line]
    middle = line.rfind(" ", 0, len(line) // 2 + 1)
    cut = middle + 1 if middle > 0 else len(line) // 2
    return _halves(line[:cut], limit, count_tokens) + _halves(line[cut:], limit, count_tokens)
