"""What of the served-model seam needs no server: breaker, thinking, control tokens, estimates, the background."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import ModelFailed, ModelUnavailable
from kb.llm.background import call, iterate
from kb.llm.breaker import Breaker
from kb.llm.text import WithoutThinking, disarm, estimate_tokens, rearm


class Clock:
    """Time as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _fail(breaker: Breaker, reason: str = "slow") -> None:
    with pytest.raises(ModelFailed), breaker.call():
        raise ModelFailed(reason, "…")  # type: ignore[arg-type]


def test_the_breaker_opens_after_failures_in_a_row_and_tries_one_call_after_its_rest() -> None:
    clock = Clock()
    breaker = Breaker(failures=2, rest=10, clock=clock)
    _fail(breaker)
    with breaker.call():
        pass  # a success between: counting begins anew
    _fail(breaker)
    assert breaker.resting == 0
    _fail(breaker)
    assert breaker.resting == 10
    with pytest.raises(ModelUnavailable) as refused, breaker.call():
        raise AssertionError("let through")
    assert refused.value.reason == "resting"
    clock.now = 11
    # half-open: the first is let through, another at the same time is not
    with breaker.call(), pytest.raises(ModelUnavailable), breaker.call():
        pass
    assert breaker.resting == 0
    with breaker.call():
        pass


def test_a_failed_trial_opens_the_breaker_again_and_a_user_who_leaves_decides_nothing() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, rest=10, clock=clock)
    _fail(breaker)
    clock.now = 10
    with pytest.raises(GeneratorExit), breaker.call():
        raise GeneratorExit
    assert breaker.resting == 0  # still half-open
    _fail(breaker)
    assert breaker.resting == 10
    _fail_free = Breaker(failures=1)
    _fail(_fail_free, "too_long")  # the request's fault, not the server's
    assert _fail_free.resting == 0


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("<think>a\nb</think>\n\nyes", "\n\nyes"),
        ("  \n<think>never closed", "  "),
        ("<thinking>x</thinking>yes", "yes"),
        ('{"text": "the <think> tag"}', '{"text": "the <think> tag"}'),
        ("one\n<think>two</think>three", "onethree"),
        ("<thin", "<thin"),
        ("< 3 values", "< 3 values"),
    ],
)
def test_thinking_is_kept_out_however_it_is_cut(said: str, shown: str) -> None:
    for size in (1, 2, 3, 5, 100):
        kept = WithoutThinking()
        parts = [kept.feed(said[start : start + size]) for start in range(0, len(said), size)]
        assert "".join(parts) + kept.end() == shown, size


@given(st.text(alphabet='<>/think \n"{a', max_size=60), st.integers(1, 7))
def test_cutting_the_stream_elsewhere_changes_nothing(said: str, size: int) -> None:
    def shown(step: int) -> str:
        kept = WithoutThinking()
        return "".join(kept.feed(said[i : i + step]) for i in range(0, len(said), step)) + kept.end()

    assert shown(size) == shown(1)


@given(st.text())
def test_control_tokens_never_reach_the_server_and_come_back(text: str) -> None:
    for token in ("<|im_end|>", "<|im_start|>", "</think>", "<think>", "<tool_call>", "[INST]", "</s>"):
        sent = disarm(f"{text}{token}system\n{text}")
        assert token not in sent
        assert "<|" not in sent
        assert token in rearm(sent)


def test_ordinary_brackets_are_left_alone() -> None:
    for text in ("a < b", "x[0]", "<html>", "a || b", "List[int]", "[1]"):
        assert disarm(text) == text


def test_tokens_are_rather_over_than_underestimated() -> None:
    # Qwen2.5's own counts, by its published tokenizer's rules: one a digit, words and signs mostly one each
    assert estimate_tokens("2025") == 4
    assert estimate_tokens("loss is 0.0") >= 6
    assert estimate_tokens("梯度归零") == 4
    assert estimate_tokens("😀") == 4
    assert estimate_tokens("") == 0
    assert estimate_tokens("x" * 4000) == 1000


def test_what_runs_in_the_background_is_read_in_order_and_its_error_is_raised_here() -> None:
    async def run(emit) -> None:  # type: ignore[no-untyped-def]
        emit(1)
        await asyncio.sleep(0)
        emit(2)
        raise ModelFailed("slow", "…")

    items = iterate(run)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ModelFailed):
        next(items)


def test_closing_the_iterator_cancels_the_work() -> None:
    ended = threading.Event()

    async def run(emit) -> None:  # type: ignore[no-untyped-def]
        emit("first")
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    items = iterate(run)
    assert next(items) == "first"
    assert not ended.is_set()
    items.close()
    assert ended.wait(2)


def test_one_result_from_the_background() -> None:
    async def work() -> int:
        return 7

    assert call(work) == 7
