"""A rerank model as a setting: it moves the ranking, its absence and its failure change nothing but a note."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

import app.diagnosis as requests
from app.casebook import Casebook
from app.doctor import examine
from app.features import Candidate
from app.ranking import RERANK_DEFAULT, load_weights, rank, with_rerank
from app.reranking import MAX_RERANKED, Reranking
from app.settings import Settings
from kb.errors import UnavailableError
from kb.evidence import Input
from kb.library import BUILT_IN, load_library

Serve = Callable[[Any], AbstractContextManager[str]]
QUESTION = "loss is 0 and grad_norm is nan while fine-tuning"


class Likes:
    """Scores 0.9 for texts with a word in them and 0.1 for others."""

    name = "likes"

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[tuple[str, Sequence[str]]] = []

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((question, texts))
        return [0.9 if self.word in text else 0.1 for text in texts]


class Broken:
    """Fails so many times, then scores 0.5."""

    name = "broken"

    def __init__(self, times: int) -> None:
        self.left = times

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        self.left -= 1
        if self.left >= 0:
            raise UnavailableError("rerank server: gone")
        return [0.5] * len(texts)


@pytest.fixture(scope="module")
def found() -> list[Candidate]:
    incidents = list(load_library([BUILT_IN]).incidents.values())[: MAX_RERANKED + 5]
    return [Candidate(incident) for incident in incidents]


def test_the_first_candidates_get_a_score_and_a_lead(found: list[Candidate]) -> None:
    wanted = found[3].incident
    model = Likes(wanted.title.get("zh"))
    Reranking(model, print).add(found, "loss 是 0", "zh")
    (question, texts) = model.asked[0]
    assert question == "loss 是 0"
    assert texts[3].startswith(f"{wanted.title.get('zh')}\n{wanted.sections('zh').symptom[:100]}")
    assert len(texts) == MAX_RERANKED
    assert [c.features.get("rerank", 0.0) for c in found] == [0.1] * 3 + [0.9] + [0.1] * 16 + [0.0] * 5
    assert found[3].features["rerank_lead"] == pytest.approx(0.9 - 0.1)
    assert found[0].features["rerank_lead"] == pytest.approx(0.1 - 0.9)
    assert found[-1].features["rerank_lead"] == pytest.approx(0.0 - 0.9)
    assert rank(found, with_rerank(load_weights()))[0].candidate is found[3]


def test_a_failure_is_noted_once_and_the_model_left_alone(found: list[Candidate]) -> None:
    now = [100.0]
    notes: list[str] = []
    fresh = [Candidate(c.incident) for c in found]
    model = Broken(2)
    reranking = Reranking(model, notes.append, lambda: now[0])
    for now[0] in (100.0, 101.0, 131.0):  # it fails, rests, fails again
        reranking.add(fresh, "loss", "en")
    assert notes == ["rerank server: gone; ranking without it"]
    assert model.left == 0
    assert not any("rerank" in c.features for c in fresh)
    now[0] = 162.0
    reranking.add(fresh, "loss", "en")
    assert fresh[0].features["rerank"] == 0.5


def test_the_default_weight_yields_to_a_fitted_one() -> None:
    plain = load_weights().model_copy(update={"features": {"dense": 1.0, "rerank": 0.0, "rerank_lead": 0.0}})
    assert with_rerank(plain).features == {"dense": 1.0, "rerank": 0.0, **RERANK_DEFAULT}
    fitted = plain.model_copy(update={"features": {"dense": 1.0, "rerank": 0.7, "rerank_lead": 0.0}})
    assert with_rerank(fitted) is fitted


def _liking(word: str, asked: list[dict[str, Any]]) -> FastAPI:
    server = FastAPI()

    @server.post("/v1/rerank")
    async def rerank(request: Request) -> dict[str, Any]:
        body = await request.json()
        asked.append(body)
        scores = [0.95 if word in text else 0.05 for text in body["documents"]]
        return {"results": [{"index": i, "relevance_score": s} for i, s in enumerate(scores)]}

    return server


def test_a_served_model_puts_another_rival_first(casebook: Casebook, data_folder: Path, serve: Serve) -> None:
    inputs = [Input("text", QUESTION)]
    before = rank(casebook.candidates(inputs, {}), load_weights())
    rival = before[1].candidate.incident
    asked: list[dict[str, Any]] = []
    with serve(_liking(rival.title.get("en"), asked)) as url:
        settings = Settings(data=data_folder, retention_days=0, rerank=f"{url}#tiny")
        with closing(Casebook(settings)) as reranked:
            diagnosis = reranked.diagnose(requests.Request(text=QUESTION))
            after = rank(reranked.candidates(inputs, {}), with_rerank(load_weights()))
    assert after[0].candidate.incident.id == rival.id
    assert after[0].candidate.features["rerank"] == 0.95
    named = [c.incident for c in diagnosis.causes] + [s.incident for s in diagnosis.similar]
    assert named[0] == rival.id
    assert diagnosis.timings_ms["rerank"] > 0
    assert asked[0]["model"] == "tiny"
    assert asked[0]["query"].startswith("loss is 0 and grad_norm is nan")


def test_a_server_that_is_gone_changes_nothing_but_a_note(casebook: Casebook, data_folder: Path) -> None:
    notes: list[str] = []
    settings = Settings(data=data_folder, retention_days=0, rerank="http://127.0.0.1:9")
    with closing(Casebook(settings, notes.append)) as alone:
        got = [alone.diagnose(requests.Request(text=QUESTION)) for _ in range(2)]
    expected = casebook.diagnose(requests.Request(text=QUESTION))
    assert [g.causes for g in got] == [expected.causes] * 2
    (note,) = [n for n in notes if "index" not in n]
    assert note.startswith("rerank server http://127.0.0.1:9/v1: no answer")
    assert note.endswith("; ranking without it")


def test_without_the_setting_there_is_no_such_feature(casebook: Casebook) -> None:
    candidates = casebook.candidates([Input("text", QUESTION)], {})
    assert candidates
    assert all(c.features.get("rerank", 0.0) == c.features["rerank_lead"] == 0.0 for c in candidates)


def test_the_doctor_tries_it(data_folder: Path) -> None:
    findings = {f.what: f for f in examine(Settings(data=data_folder, rerank="http://127.0.0.1:9#bge"))}
    assert not findings["reranker"].ok
    assert "127.0.0.1:9/v1: no answer" in findings["reranker"].detail


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1"),
        ("http://gpu:8000#BAAI/bge", "http://gpu:8000/v1#BAAI/bge"),
        ("https://gateway/rank/v1#m", "https://gateway/rank/v1#m"),
        ("Qwen/Qwen3-Reranker-0.6B", "Qwen/Qwen3-Reranker-0.6B"),
        ("/models/reranker", "/models/reranker"),
    ],
)
def test_names_folders_and_addresses_are_told_apart(given: str, used: str) -> None:
    assert Settings(rerank=given).rerank == used
