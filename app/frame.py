"""The frame of an answer: its places in order, filled from the first to the last."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.answer import Slot, slots, sources
from app.turn import Turn, overlap, sentences

MAX_PLACED = 4  # sentences of the model in one place
REPEATS = 0.8  # of a sentence's words in one that stands beneath it anyway


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence as it may be shown, with its marks; `own` where it is the incident's, for one that failed."""

    text: str
    incident: str
    field: str
    own: bool = False


class Frame:
    """The places of one answer, filled from the first to the last; what is passed is shown and does not change."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._slots = turn, slots(turn.diagnosis)
        self._at, self._begun = 0, False
        self._opened, self._speaking, self._held = False, False, 0  # of the place at hand
        self._waiting: dict[int, list[Checked]] = {}  # the incident's own, by place, shown only beside a model's
        self._used: list[str] = []  # incidents that sentences named
        self._texts: set[str] = set()
        self.shown = 0

    def fixed(self) -> Iterator[str]:
        """What stands before the first place for sentences."""
        while self._at < len(self._slots) and not self._slots[self._at].fields:
            yield from self._leave()

    def place(self, sentence: Checked) -> Iterator[str]:
        """Show a sentence in its place; the places before it are completed. One that comes too late is left out."""
        at = self._place_of(sentence)
        if at is None:
            return
        if sentence.own:
            self._waiting.setdefault(at, []).append(sentence)
            return
        if self._repeats(self._slots[at], sentence.text):
            return
        while self._at < at:
            yield from self._leave()
        if self._held >= MAX_PLACED:
            return
        self._held, self.shown = self._held + 1, self.shown + 1
        yield from self._open()
        for one in (*self._waiting.pop(at, ()), sentence):
            yield from self._say(one)

    def rest(self) -> Iterator[str]:
        """Complete the answer."""
        while self._at < len(self._slots):
            yield from self._leave()

    def _place_of(self, sentence: Checked) -> int | None:
        places = range(self._at, len(self._slots))
        return next((at for at in places if _takes(self._slots[at], sentence)), None)

    def _open(self) -> Iterator[str]:
        if not self._opened:
            self._opened = True
            yield from self._paragraph(self._slots[self._at].opening)

    def _say(self, sentence: Checked) -> Iterator[str]:
        if sentence.text in self._texts:
            return
        self._texts.add(sentence.text)
        if sentence.incident not in self._used:
            self._used.append(sentence.incident)
        if self._speaking:
            yield sentence.text if self._turn.lang == "zh" else f" {sentence.text}"
        else:
            yield from self._paragraph(("   " if self._slots[self._at].indent else "") + sentence.text)
        self._speaking = True

    def _repeats(self, slot: Slot, text: str) -> bool:
        """Whether it was said, or says what stands in full beneath the place."""
        below = sentences(slot.closing) if not slot.otherwise else []
        return text in self._texts or any(overlap(text, own) >= REPEATS for own in below)

    def _leave(self) -> Iterator[str]:
        slot = self._slots[self._at]
        yield from self._open()
        if self._held:
            for one in self._waiting.pop(self._at, ()):
                yield from self._say(one)
        else:
            yield from self._paragraph(slot.otherwise)
        yield from self._paragraph(self._sources(slot) if slot.cites else slot.closing)
        self._at += 1
        self._opened, self._speaking, self._held = False, False, 0

    def _sources(self, slot: Slot) -> str:
        return sources(self._turn.diagnosis, [*slot.cites, *self._used])

    def _paragraph(self, text: str) -> Iterator[str]:
        if text:
            yield f"\n\n{text}" if self._begun else text
            self._begun = True


def _takes(slot: Slot, sentence: Checked) -> bool:
    return slot.incident == sentence.incident and sentence.field in slot.fields
