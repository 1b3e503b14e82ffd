"""Sentences of a model against an incident: what may be shown, what may not, and why."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims import Sentence, Verifier, verify
from evals.claims_eval import FOLDER, judge, load
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
    return Verifier({ID: incidents[ID]}, PASTE)


def kinds(verifier: Verifier, text: str, field: str = "fix", lang: str = "en", incident: str = ID) -> set[str]:
    """The kinds of problems of a sentence."""
    return {p.kind for p in verifier.problems(Sentence(text, incident, field), lang)}  # type: ignore[arg-type]


GOOD = [
    ("fix", "en", "Delete the `communication_data_type` entry and let DeepSpeed pick the type on its own [2]."),
    ("fix", "zh", "删掉这个字段,DeepSpeed 就会自己选择通信类型 [2]。"),
    ("fix", "en", "If you need fp32 communication with ZeRO-3, move to DeepSpeed 0.12.5 or newer [3]."),
    ("symptom", "en", "Qwen-1.8B trains normally with the same script and data."),
    ("evidence", "en", "Your log shows DeepSpeed 0.14.2."),
    ("evidence", "en", "Your log shows that overlap_comm is true and the loss is 0.0."),
    ("evidence", "zh", "你的日志里 loss 为 0.0,grad_norm 为 4120.7。"),
]


@pytest.mark.parametrize(("field", "lang", "text"), GOOD)
def test_what_the_incident_says_may_be_said(verifier: Verifier, field: str, lang: str, text: str) -> None:
    assert kinds(verifier, text, field, lang) == set()


BAD = [
    ("fix", "en", "Use DeepSpeed 0.12.5 or later [9].", "citation"),
    ("fix", "en", "See https://example.org/fix for DeepSpeed 0.12.5.", "url"),
    ("fix", "en", "Remove the `communication_dtype` key, so that DeepSpeed chooses the type itself.", "identifier"),
    ("fix", "en", "Watch the first 25 steps of DeepSpeed.", "number"),
    ("prevention", "en", "Watch the first 20 minutes of an unmodified DeepSpeed config.", "number"),
    ("fix", "en", "If fp32 communication is needed with ZeRO-3, use DeepSpeed 0.13.5 or later [3].", "version"),
    ("fix", "en", "If fp32 communication is needed with ZeRO-3, use DeepSpeed before 0.12.5 [3].", "version"),
    ("fix", "en", "Set `communication_data_type: bf16`, so that DeepSpeed chooses the type itself.", "pair"),
    ("fix", "en", "Keep the `communication_data_type` key, so that DeepSpeed chooses the type itself [2].", "polarity"),
    ("fix", "zh", "保留该字段,让 DeepSpeed 自己选择通信类型 [2]。", "polarity"),
    ("symptom", "en", "Fresh weights and transformers 4.36.2 helped [1].", "polarity"),
    ("cause", "en", "It is proven that the gradients were damaged while being cast to fp32.", "polarity"),
    ("fix", "en", "Removing the key always restores training [2].", "strength"),
    ("symptom", "en", "Qwen-7B with the same script and data trains normally.", "attribution"),
    ("fix", "en", "Buy a larger cluster and ask the vendor for better cables.", "support"),
    ("evidence", "en", "Your log shows DeepSpeed 0.12.5.", "version"),
    ("fix", "en", "删除 communication_data_type 字段。", "language"),
    ("fix", "zh", "Remove the key, so that DeepSpeed chooses the type itself.", "language"),
    ("fix", "en", "**Remove** the key [2].", "form"),
    ("fix", "en", "Remove the key [here](http://a.b) [2].", "form"),
    ("fix", "en", "Remove the key<br>now [2].", "form"),
    ("fix", "en", "Remove the key.\nThen rest [2].", "form"),
    ("fix", "en", "<think>Remove the key</think>", "form"),
    ("fix", "en", "", "form"),
    ("remedy", "en", "Remove the key.", "field"),
    ("fix", "en", "Remove the rackrescue key, so that DeepSpeed chooses the type itself.", "identifier"),
    ("fix", "en", "Remove the key, so that DeepSpeed chooses the type itself, and lower the learning rate.", "support"),
    ("fix", "en", "Remove the type, so that DeepSpeed chooses the key itself [2].", "attribution"),
    ("fix", "en", "Only if fp32 communication is needed with ZeRO-3, use DeepSpeed 0.12.5 or later [3].", "strength"),
    ("fix", "zh", "删掉该字段,让 DeepSpeed 不再选择通信类型 [2]。", "polarity"),
    ("cause", "en", "DeepSpeed did fix a stage 2 bug with a communication type in v0.12.5 [3].", "attribution"),
    ("symptom", "en", "After the first 10 steps the gradient rises to several thousand.", "polarity"),
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
    ("file", "passed", "replaced"), [("dev", 0.04, 0.60), ("heldout", 0.03, 0.86), ("many", 0.03, 0.45)]
)
def test_the_labelled_sentences_stay_as_good_as_they_are(
    incidents: Mapping[str, Incident], file: str, passed: float, replaced: float
) -> None:
    """Not the bars (python -m evals claims prints those): no step back from what the log gives."""
    outcomes = list(judge(load(FOLDER / f"{file}.yaml")[::2], incidents))
    good = [o for o in outcomes if o.labelled.good]
    bad = [o for o in outcomes if not o.labelled.good]
    assert sum(not o.problems for o in bad) <= passed * len(bad)
    assert sum(bool(o.problems) for o in good) <= replaced * len(good)


def test_a_long_paste_and_a_long_sentence_take_little_time(incidents: Mapping[str, Incident]) -> None:
    verifier = Verifier({ID: incidents[ID]}, "step 1 loss 2.5 grad_norm 3.1\n" * 200_000)
    sentence = Sentence("Remove the `communication_data_type` key [2], " * 12, ID, "evidence")
    start = time.thread_time()
    verifier.problems(sentence, "en")
    assert time.thread_time() - start < 2
