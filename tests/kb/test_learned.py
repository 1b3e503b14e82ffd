"""What terms speak for which incident."""

from pathlib import Path

import pytest

from kb.learned import LearnedTerms
from kb.terms import spoken_terms

TEXTS = {
    "kernel": ["CUDA error: no kernel image for this card", "new card, no kernel image", "no kernel image"],
    "memory": ["CUDA error: out of memory on this card", "the card runs out of memory", "out of memory at step one"],
    "driver": ["CUDA error: driver too old for this card", "driver too old", "the driver is older than the runtime"],
}


@pytest.fixture(scope="module")
def table() -> LearnedTerms:
    return LearnedTerms.learn(TEXTS)


def best(scores: dict[str, float]) -> str:
    return max(scores, key=lambda name: scores[name])


@pytest.mark.parametrize(
    ("question", "owner"),
    [("CUDA card: which kernel image?", "kernel"), ("the card has no memory", "memory"), ("driver error", "driver")],
)
def test_what_tells_incidents_apart_decides(table: LearnedTerms, question: str, owner: str) -> None:
    scores = table.scores(spoken_terms(question))
    assert best(scores) == owner
    assert all(0 < score <= 1 for score in scores.values())
    assert scores[owner] - max([score for name, score in scores.items() if name != owner], default=0.0) > 0.1


def test_terms_of_all_incidents_or_of_none_make_nothing_sure(table: LearnedTerms) -> None:
    shared = table.scores({"cuda", "card"})
    assert max(shared.values()) - min(shared.values()) < table.scores({"kernel", "image"})["kernel"] - 0.5
    unknown = table.scores({"nginx", "certificate"})
    assert max(unknown.values()) == min(unknown.values()) < 0.3
    assert table.scores(set()) == unknown


def test_a_table_is_the_same_when_learned_again_and_when_read_back(table: LearnedTerms, tmp_path: Path) -> None:
    table.save(tmp_path / "learned")
    terms = {"cuda", "card", "kernel", "image", "driver"}
    for other in (LearnedTerms.learn(TEXTS), LearnedTerms.load(tmp_path / "learned")):
        assert other.scores(terms) == table.scores(terms)


def test_no_texts_and_empty_texts_are_a_table_too(tmp_path: Path) -> None:
    for texts in ({}, {"one": []}, {"one": ["", " "], "two": ["a unique word"]}):
        table = LearnedTerms.learn(texts)
        table.save(tmp_path / str(len(texts)))
        assert LearnedTerms.load(tmp_path / str(len(texts))).scores({"word"}).keys() <= {"one", "two"}
