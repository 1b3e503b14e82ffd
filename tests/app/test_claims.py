"""Sentences of a model against an incident: what may be shown, what may not, and why."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims import Sentence, Verifier, verify
from evals.claims_eval import FOLDER, judge, load
from evals.claims_flips import made
from kb.library import BUILT_IN, load_library
from kb.types import Incident

ID = "qwen-7b-loss-zero-after-gradient-spike"
PASTE = (
    '{"zero_optimization": {"stage": 2, "overlap_comm": true}}\ndeepspeed 0.14.2\n{"loss": 0.0, "grad_norm": 4120.7}'
)


@pytest.fixture(scope="module")
def incidents() -> Mapping[str, Incident]:
    return load_library([BUILT_IN]).incidents


@pytest.fixture(scope="module")
def verifier(incidents: Mapping[str, Incident]) -> Verifier:
    return Verifier({ID: incidents[ID]}, lambda incident: PASTE)


def kinds(verifier: Verifier, text: str, field: str = "fix", lang: str = "en", incident: str = ID) -> set[str]:
    """The kinds of problems of a sentence."""
    return {p.kind for p in verifier.problems(Sentence(text, incident, field), lang)}  # type: ignore[arg-type]


GOOD = [
    ("fix", "en", "Remove the key, so that DeepSpeed chooses the type itself [2]."),
    ("fix", "en", "So remove the key."),
    ("fix", "zh", "删掉该字段,让 DeepSpeed 自己选择通信类型 [2]。"),
    ("fix", "en", "If fp32 communication is needed with ZeRO-3, use DeepSpeed 0.12.5 or later [3]."),
    ("symptom", "en", "Qwen-1.8B with the same script and data trains normally."),
    ("cause", "en", "Suspected, not proven: the gradients were damaged while being cast to fp32 for communication."),
    ("evidence", "en", 'Your log shows "deepspeed 0.14.2".'),
    ("evidence", "en", 'Your configuration has `"overlap_comm": true`, and the log shows "loss": 0.0.'),
    ("evidence", "zh", "你的日志里有“deepspeed 0.14.2”。"),
]


@pytest.mark.parametrize(("field", "lang", "text"), GOOD)
def test_what_the_incident_says_may_be_said(verifier: Verifier, field: str, lang: str, text: str) -> None:
    assert kinds(verifier, text, field, lang) == set()


BAD = [
    ("fix", "en", "Use DeepSpeed 0.12.5 or later [9].", "citation"),
    ("fix", "en", "See https://example.org/fix for DeepSpeed 0.12.5.", "support"),
    ("fix", "en", "Remove the `communication_dtype` key, so that DeepSpeed chooses the type itself.", "support"),
    ("fix", "en", "Watch the first 25 steps of DeepSpeed.", "support"),
    ("prevention", "en", "Watch the first 20 minutes of an unmodified DeepSpeed config.", "support"),
    ("fix", "en", "If fp32 communication is needed with ZeRO-3, use DeepSpeed 0.13.5 or later [3].", "support"),
    ("fix", "en", "If fp32 communication is needed with ZeRO-3, use DeepSpeed before 0.12.5 [3].", "support"),
    ("fix", "en", "Set `communication_data_type: bf16`, so that DeepSpeed chooses the type itself.", "support"),
    ("fix", "en", "Keep the `communication_data_type` key, so that DeepSpeed chooses the type itself [2].", "support"),
    ("fix", "zh", "保留该字段,让 DeepSpeed 自己选择通信类型 [2]。", "support"),
    ("symptom", "en", "Fresh weights and transformers 4.36.2 helped [1].", "support"),
    ("cause", "en", "It is proven that the gradients were damaged while being cast to fp32.", "support"),
    ("fix", "en", "Removing the key always restores training [2].", "support"),
    ("symptom", "en", "Qwen-7B with the same script and data trains normally.", "support"),
    ("fix", "en", "Buy a larger cluster and ask the vendor for better cables.", "support"),
    ("evidence", "en", "Your log shows DeepSpeed 0.12.5.", "support"),
    ("fix", "en", "删除 communication_data_type 字段。", "language"),
    ("fix", "zh", "Remove the key, so that DeepSpeed chooses the type itself.", "language"),
    ("fix", "en", "**Remove** the key [2].", "form"),
    ("fix", "en", "Remove the key [here](http://a.b) [2].", "form"),
    ("fix", "en", "Remove the key<br>now [2].", "form"),
    ("fix", "en", "Remove the key.\nThen rest [2].", "form"),
    ("fix", "en", "<think>Remove the key</think>", "form"),
    ("fix", "en", "", "form"),
    ("remedy", "en", "Remove the key.", "field"),
    ("fix", "en", "Remove the rackrescue key, so that DeepSpeed chooses the type itself.", "support"),
    ("fix", "en", "Remove the key, so that DeepSpeed chooses the type itself, and lower the learning rate.", "support"),
    ("fix", "en", "Remove the type, so that DeepSpeed chooses the key itself [2].", "support"),
    ("fix", "en", "Only if fp32 communication is needed with ZeRO-3, use DeepSpeed 0.12.5 or later [3].", "support"),
    ("fix", "zh", "删掉该字段,让 DeepSpeed 不再选择通信类型 [2]。", "support"),
    ("cause", "en", "DeepSpeed did fix a stage 2 bug with a communication type in v0.12.5 [3].", "support"),
    ("symptom", "en", "After the first 10 steps the gradient rises to several thousand.", "support"),
    ("cause", "en", "The gradients were damaged while being cast to fp32 for communication and back.", "support"),
    ("fix", "en", "Use DeepSpeed 0.12.5 or later [3].", "support"),
    ("symptom", "en", "Qwen-1.8B with the same data and script trains normally.", "support"),
    ("symptom", "en", "Within the first 10 steps the gradient rises to several thousand.", "support"),  # of whom?
    ("symptom", "zh", "同样的脚本和数据换成 Qwen-1.8B 不正常。", "support"),
    ("symptom", "zh", "随后 loss 和梯度不会归零。", "support"),
    ("evidence", "en", "Your log shows that training was never healthy.", "support"),
    ("evidence", "en", 'Your log shows "deepspeed 0.14.2" and a learning rate of 1e-5.', "support"),
]


@pytest.mark.parametrize(("field", "lang", "text", "kind"), BAD)
def test_what_it_does_not_say_may_not(verifier: Verifier, field: str, lang: str, text: str, kind: str) -> None:
    assert kind in kinds(verifier, text, field, lang)


def test_an_incident_that_was_not_given(verifier: Verifier, incidents: Mapping[str, Incident]) -> None:
    assert kinds(verifier, "Remove the key.", incident="grpo-zero-advantage") == {"incident"}
    assert verify(Sentence("Remove the key.", "nothing", "fix"), incidents, "", "en")[0].kind == "incident"


@given(st.text(max_size=200), st.sampled_from(["fix", "cause", "evidence"]), st.sampled_from(["en", "zh"]))
def test_any_text_is_judged(incidents: Mapping[str, Incident], text: str, field: str, lang: str) -> None:
    assert isinstance(verify(Sentence(text, ID, field), {ID: incidents[ID]}, text, lang), tuple)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "replaced"), [("near", 0.2), ("near-unseen", 0.25), ("free1", 1), ("free2", 1), ("free3", 1)]
)
def test_no_labelled_falsehood_is_shown(incidents: Mapping[str, Incident], file: str, replaced: float) -> None:
    """What is replaced grows as incidents change under sentences that quoted them; `evals claims` prints the bars."""
    outcomes = list(judge(load(FOLDER / f"{file}.yaml"), incidents))
    assert [o.labelled.sentence.text for o in outcomes if not o.labelled.good and not o.problems] == []
    good = [o for o in outcomes if o.labelled.good]
    assert sum(bool(o.problems) for o in good) <= replaced * len(good)


def test_no_falsehood_made_by_rule_is_shown(incidents: Mapping[str, Incident]) -> None:
    outcomes = list(judge(made(incidents, 60), incidents))
    assert [o.labelled.sentence.text for o in outcomes if not o.labelled.good and not o.problems] == []
    assert sum(o.labelled.good and not o.problems for o in outcomes) >= 0.97 * sum(o.labelled.good for o in outcomes)


def test_a_long_paste_and_a_long_sentence_take_little_time(incidents: Mapping[str, Incident]) -> None:
    verifier = Verifier({ID: incidents[ID]}, lambda incident: "step 1 loss 2.5 grad_norm 3.1\n" * 200_000)
    sentence = Sentence("Remove the `communication_data_type` key [2], " * 12, ID, "evidence")
    start = time.thread_time()
    verifier.problems(sentence, "en")
    assert time.thread_time() - start < 2
