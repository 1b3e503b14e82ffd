"""The model words the explanation; every sentence is checked before it is shown, and the frame is the composed answer.

Not an agent: one request, one pass. The answer is a row of places (app/answer.py). A checked sentence goes to the place
of its incident and field; a place without one holds the incident's own text, and so does a sentence that fails beside
one that holds. Whatever the model does, the rest of the row completes the answer.
"""

import logging
import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from app import prompts
from app.answer import Slot, slots, sources
from app.claims import Sentence, Verifier
from app.diagnosis import Writer
from app.sentences import presentable, read_sentences, without_marks
from app.settings import Settings
from app.texts import say
from app.turn import Pieces, Turn, Worded, numbers_in, overlap, sentences, without_citations
from kb.errors import ModelError, ModelFailed
from kb.llm import Limits, Message, ModelConfig, ServedModel
from kb.types import Lang

MAX_FALLEN = 3  # sentences that may fail before their share counts
MAX_FALLEN_SHARE = 0.5
MAX_PLACED = 4  # sentences in one place
REPEATS = 0.8  # of a sentence's words in one that stands beneath it anyway
MAX_READ = 40  # sentences read of one answer
SMALLER = 0.5  # of the room, once a server finds the prompt too long after all

logger = logging.getLogger("casebook")


class Fell(Exception):
    """The model's sentences are not worth going on with; the reason is a key of the texts."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def write_pieces(turn: Turn, model: ServedModel) -> Pieces:
    """The answer piece by piece, worded by the model where its sentences hold. Always a whole answer."""
    page, reason, watch = Page(turn), None, _Watch()
    yield from page.fixed()
    if not turn.diagnosis.causes:
        yield from page.rest()
        return Worded()
    try:
        with closing(_checked(turn, model)) as checked:
            for sentence in checked:
                for piece in page.place(sentence):
                    watch.see(page.shown)
                    yield piece
    except ModelError as error:
        reason = f"writer_{error.reason}"
    except Fell as fell:
        reason = f"writer_{fell.reason}"
    except Exception as error:  # noqa: BLE001 — ours, and still no reason to leave the person without an answer
        logger.error("a bug in the wording of an answer: %s", _where(error))
        reason = "writer_bug"
    yield from page.rest()
    return Worded(_writer(page, model, reason and say(reason, turn.lang), turn.lang), watch.times())


def _where(error: Exception) -> str:
    """The kind of an error and where it arose, without its message: that may quote the person's text."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} at {' '.join(frames)}"


def _writer(page: "Page", model: ServedModel, reason: str | None, lang: Lang) -> Writer:
    if page.shown:
        return Writer(kind="model", model=model.name, fallback_reason=reason)
    return Writer(model=model.name, fallback_reason=reason or say("writer_unusable", lang))


class _Watch:
    """Milliseconds to the first sentence of the model, and to the end."""

    def __init__(self) -> None:
        self._start, self._first = time.perf_counter(), 0.0

    def see(self, shown: int) -> None:
        """Note the time when the first one is shown."""
        if shown and not self._first:
            self._first = time.perf_counter()

    def times(self) -> dict[str, float]:
        """The times up to now."""
        first = {"first_sentence": round((self._first - self._start) * 1000, 2)} if self._first else {}
        return {**first, "write": round((time.perf_counter() - self._start) * 1000, 2)}


def open_model(settings: Settings) -> ServedModel | None:
    """The model that the settings name; nothing is connected yet. None where they name none."""
    if settings.llm is None:
        return None
    limits = Limits(
        connect=settings.llm_connect_timeout,
        first_token=settings.llm_first_token_timeout,
        pause=settings.llm_pause_timeout,
        total=settings.llm_timeout,
        tokens=settings.llm_tokens,
    )
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return ServedModel(
        ModelConfig(settings.llm, settings.llm_model, key, settings.llm_thinking, settings.llm_context, limits)
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence as it may be shown, with its marks; `own` where it is the incident's, for one that failed."""

    text: str
    incident: str
    field: str
    own: bool = False


def _checked(turn: Turn, model: ServedModel) -> Generator[Checked, None, None]:
    """The model's sentences, checked one by one as they come. Raises Fell, ModelError."""
    verifier, seen = Verifier(turn.incidents, turn.paste), _Seen()
    with closing(_answer(turn, model)) as chunks:
        for number, sentence in enumerate(read_sentences(chunks)):
            if number >= MAX_READ:
                return
            if seen.again(sentence):
                continue
            if problem := _problem(turn, verifier, sentence):
                seen.fall("language" if problem == "language" else "unverified")
                yield from _instead(turn, sentence)
            else:
                seen.held += 1
                text = without_marks(sentence.text)
                marks = turn.marks(text, sentence.incident, sentence.field)
                yield Checked(_marked(text, marks), sentence.incident, sentence.field)
    if not seen.held:
        raise Fell(seen.reason)


def _problem(turn: Turn, verifier: Verifier, sentence: Sentence) -> str | None:
    """The first thing that keeps a sentence from being shown where it wants to stand."""
    for problem in verifier.problems(sentence, turn.lang):
        return problem.kind
    if not presentable(sentence.text):
        return "form"
    return None if turn.belongs(sentence.text, sentence.incident, sentence.field) else "field"


def _answer(turn: Turn, model: ServedModel) -> Generator[str, None, None]:
    """The model's text. A prompt that the server finds too long after all is made smaller once."""
    room = model.room()
    conversation = _fitted(turn, model, room)
    try:
        yield from model.stream(conversation, prompts.schema(turn))
    except ModelFailed as error:
        if error.reason != "too_long":
            raise
    else:
        return
    yield from model.stream(prompts.messages(turn, int(room * SMALLER)), prompts.schema(turn))


def _fitted(turn: Turn, model: ServedModel, room: int) -> list[Message]:
    conversation = prompts.messages(turn, room)
    count = model.count(conversation)
    return conversation if count <= room else prompts.messages(turn, room * room // count)


@dataclass
class _Seen:
    """The sentences so far: none twice, and not too many that fail."""

    held: int = 0
    fallen: int = 0
    reason: str = "unusable"  # of the last that failed
    texts: set[str] = field(default_factory=set)

    def again(self, sentence: Sentence) -> bool:
        """Whether the text came before."""
        known = sentence.text.casefold() in self.texts
        self.texts.add(sentence.text.casefold())
        return known

    def fall(self, reason: str) -> None:
        """Count one that failed. Raises Fell when they are too many."""
        self.fallen, self.reason = self.fallen + 1, reason
        if self.fallen >= MAX_FALLEN and self.fallen > MAX_FALLEN_SHARE * (self.fallen + self.held):
            raise Fell(reason)


def _instead(turn: Turn, failed: Sentence) -> Iterator[Checked]:
    """The incident's own sentence of that field that is nearest to the one that failed."""
    own = [one for one in sentences(turn.section(failed.incident, failed.field)) if not one.endswith((":", "："))]
    if failed.field != "cause" or not own:
        return  # checks and fixes stand there whole, and what the paste shows is listed
    nearest = max(own, key=lambda sentence: overlap(failed.text, sentence))
    marks = turn.cited(failed.incident, numbers_in(nearest))
    yield Checked(_marked(without_citations(nearest), marks), failed.incident, failed.field, own=True)


def _marked(text: str, marks: str) -> str:
    """The marks before the full stop."""
    if not marks:
        return text
    body = text.rstrip(".。")
    return body + marks + (text[len(body) :] or "")


class Page:
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
