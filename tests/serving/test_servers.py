"""Every kind of server over real HTTP: always a whole answer, and nothing in it that is not ours or the person's."""

import threading
import time

import pytest

from app.casebook import Casebook
from app.diagnosis import Diagnosis, DiagnosisReady, Done, Request, SentenceReady
from app.texts import say
from evals.answers import inventions, missing, phantom_citations
from evals.server_kinds import BAD, GOOD, KINDS
from evals.server_words import MARKS
from evals.servers import MODEL, stream
from kb.evidence import Input
from kb.llm import Limits, Message, Stop, Stopped
from kb.llm.breaker import Breaker

EN = "Fine-tuning Qwen-7B with DeepSpeed, gradients blow up to thousands, then loss is zero in ten steps"
ZH = "用 axolotl 全参微调 Qwen2.5-32B,自定义数据集,第一步开始 loss 和 grad_norm 就都是 0,学习率在涨"
WITHOUT_MS, CI_FACTOR = 10, 5  # an answer composed without a model; machines are noisy
SEVERAL = "GRPO training, the loss is 0 all the time, is something wrong?"


def whole(diagnosis: Diagnosis, casebook: Casebook, text: str) -> None:
    """What every answer holds and does not hold, whoever worded it."""
    assert missing(diagnosis) == []
    assert phantom_citations(diagnosis.answer) == []
    assert inventions(diagnosis, casebook.incidents(), text) == []
    assert [mark for mark in MARKS if mark in diagnosis.answer] == []


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_server_words_the_answer(casebook: Casebook, served, kind: str) -> None:  # type: ignore[no-untyped-def]
    config = {"model": MODEL} if kind == "good-without-models" else {}
    for text in (EN, ZH, SEVERAL):
        with served(kind, **config):
            diagnosis = casebook.diagnose(Request(text=text))
        assert diagnosis.writer.kind == "model", diagnosis.writer.fallback_reason
        assert diagnosis.writer.model == MODEL
        assert diagnosis.writer.fallback_reason is None
        whole(diagnosis, casebook, text)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_server_costs_nothing_but_its_words(casebook: Casebook, served, kind: str) -> None:  # type: ignore[no-untyped-def]
    texts = (EN, ZH) if KINDS[kind].send is stream else (EN, ZH, SEVERAL)[len(kind) % 3 :][:1]
    for text in texts:
        with served(kind):
            started = time.monotonic()
            diagnosis = casebook.diagnose(Request(text=text))
            assert time.monotonic() - started < 8
        whole(diagnosis, casebook, text)
        if diagnosis.writer.kind == "composed":
            assert diagnosis.writer.fallback_reason
            composed = casebook.diagnose(Request(text=text))
            assert diagnosis.answer == composed.answer


def test_the_reason_is_in_the_language_of_the_diagnosis(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    for text, reason in ((EN, "the model server reported an error"), (ZH, "模型服务报错")):
        with served("500"):
            assert casebook.diagnose(Request(text=text)).writer.fallback_reason == reason


def test_the_pieces_are_the_answer_also_when_the_model_breaks_off(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    for kind in ("good", "closed-within", "hangs-within", "invented-flag", "flipped", "finish-length"):
        with served(kind):
            first, *middle, last = casebook.stream([Input("text", EN)], Request())
        assert isinstance(first, DiagnosisReady)
        assert isinstance(last, Done)
        assert first.diagnosis.answer == ""
        assert "".join(e.text for e in middle if isinstance(e, SentenceReady)) == last.diagnosis.answer
        whole(last.diagnosis, casebook, EN)


PATIENT = Limits(first_token=20, pause=20, total=60)


def test_closing_the_stream_ends_the_servers_work(served) -> None:  # type: ignore[no-untyped-def]
    with served("slow-drip") as (server, model):
        said = model.stream([Message("user", "hello")], limits=PATIENT)
        assert next(said)
        assert server.left == 0
        said.close()
        _until(lambda: server.left == 1)
        assert model._breaker.resting == 0


@pytest.mark.parametrize("kind", ["slow-drip", "hangs-before"])
def test_a_user_who_leaves_while_the_model_is_waited_for_ends_its_work(casebook: Casebook, served, kind: str) -> None:  # type: ignore[no-untyped-def]
    stop, got = Stop(), []
    with served(kind, PATIENT) as (server, _):

        def read() -> None:
            try:
                got.extend(casebook.stream([Input("text", EN)], Request(), stop=stop))
            except Stopped:
                got.append("stopped")

        reader = threading.Thread(target=read)
        reader.start()
        _until(lambda: len(server.requests) == 1)
        assert server.left == 0
        stop.set()
        reader.join(60)
        assert not reader.is_alive()
        assert got[-1] == "stopped"
        _until(lambda: server.left == 1)


def _until(holds, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_no_llm_and_use_model_leave_the_server_alone(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    with served("good") as (server, _):
        diagnosis = casebook.diagnose(Request(text=EN, use_model=False))
        assert diagnosis.writer.kind == "composed"
        assert diagnosis.writer.fallback_reason is None
        nothing = casebook.diagnose(Request(text="what is the weather like in Berlin today"))
        assert nothing.writer.kind == "composed"
        assert server.requests == []


def test_with_the_server_gone_the_answer_comes_at_once(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    breaker = Breaker(failures=2, rest=60)
    with served("good", breaker=breaker) as (server, model):
        server._http.shutdown()
        server._http.server_close()
        times = []
        for _ in range(4):
            diagnosis = casebook.diagnose(Request(text=EN))
            times.append(diagnosis.timings_ms["write"])
            assert diagnosis.writer.kind == "composed"
        assert max(times) < model.config.limits.connect * 1000 * CI_FACTOR
        assert max(times[2:]) < WITHOUT_MS * CI_FACTOR
        assert breaker.resting > 0
        assert diagnosis.writer.fallback_reason == say("writer_resting", "en")


def test_a_follow_up_keeps_the_evidence_of_the_case(casebook: Casebook, served) -> None:  # type: ignore[no-untyped-def]
    with served("good") as (server, _):
        first = casebook.diagnose(Request(text=EN))
        casebook.diagnose(Request(text="I use ZeRO stage 2, what exactly do I change?", case=first.case))
    prompt = server.requests[-1]["messages"][-1]["content"]
    assert prompt.index(EN[:40]) < prompt.index("I use ZeRO stage 2")
