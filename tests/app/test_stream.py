"""A turn as events: what comes when, and that the pieces are the answer."""

import time

import pytest

from app.casebook import Casebook
from app.diagnosis import DiagnosisReady, Done, Request, SentenceReady
from kb.errors import InputError
from kb.evidence import Input

LOG = "\n".join(f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': {i}e-07}}" for i in range(1, 5))


def test_the_diagnosis_comes_first_then_the_answer_in_pieces(casebook: Casebook) -> None:
    for text in (LOG, "GRPO 训练时 loss 一直是 0,reward_std 也是 0", "help me please", "weather in Berlin today?"):
        first, *middle, last = casebook.stream([Input("text", text)], Request())
        assert isinstance(first, DiagnosisReady)
        assert first.diagnosis.answer == ""
        assert isinstance(last, Done)
        said = [event.text for event in middle if isinstance(event, SentenceReady)]
        assert len(said) == len(middle)
        assert "".join(said) == last.diagnosis.answer
        assert all(said)
        assert last.diagnosis.causes == first.diagnosis.causes
        assert casebook.diagnose(Request(text=text)).answer == last.diagnosis.answer


def test_a_turn_is_remembered_even_if_its_stream_is_closed(casebook: Casebook) -> None:
    events = casebook.stream([Input("text", LOG)], Request())
    first = next(events)
    assert isinstance(first, DiagnosisReady)
    events.close()
    again = casebook.diagnose(Request(text="with axolotl", case=first.diagnosis.case))
    assert again.case == first.diagnosis.case
    assert "loss" in again.evidence.metrics


def test_nothing_to_diagnose_is_an_error_at_the_first_step(casebook: Casebook) -> None:
    with pytest.raises(InputError, match="empty"):
        next(casebook.stream([], Request()))


def test_a_slow_reader_of_the_answer_holds_nobody_up(casebook: Casebook) -> None:
    slow = casebook.stream([Input("text", LOG)], Request())
    next(slow)
    started = time.monotonic()
    casebook.diagnose(Request(text=LOG))
    assert time.monotonic() - started < 10
    assert list(slow)
