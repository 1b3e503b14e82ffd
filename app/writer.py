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
from app.claims import Sentence, Verifier
from app.diagnosis import Writer
from app.frame import Checked, Frame
from app.sentences import names, presentable, read_sentences, strangers, without_marks
from app.settings import Settings
from app.texts import say
from app.turn import Pieces, Turn, Worded, numbers_in, overlap, sentences, without_citations
from kb.errors import ModelError
from kb.llm import Limits, Message, ModelConfig, ServedModel, Stop, Stopped
from kb.types import Lang

MAX_FALLEN = 3  # sentences that may fail before their share counts
MAX_FALLEN_SHARE = 0.5
MAX_READ = 40  # sentences read of one answer
THINKING_TOKENS = 4096  # beside those of the answer
SMALLER = 0.5  # of the room, once a server finds the prompt too long after all

logger = logging.getLogger("casebook")


class Fell(Exception):
    """The model's sentences are not worth going on with; the reason is a key of the texts."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def write_pieces(turn: Turn, model: ServedModel, stop: Stop | None = None) -> Pieces:
    """The answer piece by piece, worded by the model where its sentences hold. Always a whole answer.

    Raises Stopped where `stop` was set.
    """
    frame, reason, watch = Frame(turn), None, _Watch()
    yield from frame.fixed()
    if not turn.diagnosis.causes:
        yield from frame.rest()
        return Worded()
    try:
        model.admit()
        with closing(_checked(turn, model, stop)) as checked:
            for sentence in checked:
                for piece in frame.place(sentence):
                    watch.see(frame.shown)
                    yield piece
    except ModelError as error:
        reason = f"writer_{error.reason}"
    except Fell as fell:
        reason = f"writer_{fell.reason}"
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 — ours, and still no reason to leave the person without an answer
        logger.error("a bug in the wording of an answer: %s", _where(error))
        reason = "writer_bug"
    yield from frame.rest()
    return Worded(_writer(frame, model, reason and say(reason, turn.lang), turn.lang), watch.times())


def _where(error: Exception) -> str:
    """The kind of an error and where it arose, without its message: that may quote the person's text."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} at {' '.join(frames)}"


def _writer(frame: Frame, model: ServedModel, reason: str | None, lang: Lang) -> Writer:
    if frame.shown:
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
        tokens=settings.llm_tokens + (THINKING_TOKENS if settings.llm_thinking else 0),
    )
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return ServedModel(
        ModelConfig(settings.llm, settings.llm_model, key, settings.llm_thinking, settings.llm_context, limits)
    )


def _checked(turn: Turn, model: ServedModel, stop: Stop | None) -> Generator[Checked, None, None]:
    """The model's sentences, checked one by one as they come. Raises Fell, ModelError."""
    sieve, seen = _Sieve(turn), _Seen()
    with closing(_answer(turn, model, stop)) as chunks:
        for number, sentence in enumerate(read_sentences(chunks)):
            if number >= MAX_READ:
                return
            if seen.again(sentence):
                continue
            if problem := sieve.problem(sentence):
                seen.fall("language" if problem == "language" else "unverified")
                yield from _instead(turn, sentence)
            else:
                seen.held += 1
                text = without_marks(sentence.text)
                marks = turn.marks(text, sentence.incident, sentence.field)
                yield Checked(_marked(text, marks), sentence.incident, sentence.field)
    if not seen.held:
        raise Fell(seen.reason)


class _Sieve:
    """All that a sentence has to pass, in order."""

    def __init__(self, turn: Turn) -> None:
        self._turn, self._verifier = turn, Verifier(turn.incidents, turn.sent)
        self._paste = names(turn.paste)
        self._known: dict[str, set[str]] = {}  # names by incident

    def problem(self, sentence: Sentence) -> str | None:
        """The first thing that keeps a sentence from being shown where it wants to stand."""
        for problem in self._verifier.problems(sentence, self._turn.lang):
            return problem.kind
        if not presentable(sentence.text):
            return "form"
        if strangers(sentence.text, self._names(sentence.incident), self._turn.lang):
            return "identifier"
        return None if self._turn.belongs(sentence.text, sentence.incident, sentence.field) else "field"

    def _names(self, incident: str) -> set[str]:
        if incident not in self._known:
            self._known[incident] = self._paste | names(self._turn.incidents[incident].model_dump_json())
        return self._known[incident]


def _answer(turn: Turn, model: ServedModel, stop: Stop | None) -> Generator[str, None, None]:
    """The model's text. A prompt that the server finds too long after all is made smaller once."""
    room = model.room()
    conversation = _fitted(turn, model, room)
    try:
        yield from model.stream(conversation, prompts.schema(turn), stop=stop)
        return
    except ModelError as error:
        if error.reason != "too_long":
            raise
    yield from model.stream(prompts.messages(turn, int(room * SMALLER)), prompts.schema(turn), stop=stop)


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
