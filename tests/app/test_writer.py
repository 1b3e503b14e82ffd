"""From what a model says to what is shown: reading, refusing, replacing, placing. No server: the text is given."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answer import compose
from app.casebook import Casebook
from app.claims import Sentence
from app.diagnosis import Request, Writer
from app.sentences import names, presentable, read_sentences, strangers, tidy, without_marks
from app.texts import TEXTS
from app.turn import Turn, numbers_in, overlap, sentences
from app.writer import write_pieces
from kb.errors import ModelError, ModelFailed
from kb.llm import Message, ModelConfig, ModelInfo, ServedModel

TEXT = "Fine-tuning Qwen-7B with DeepSpeed, gradients blow up to thousands, then loss is zero in ten steps"
QWEN = "qwen-7b-loss-zero-after-gradient-spike"


def _row(text: str, incident: str = "i", field: str = "cause") -> str:
    return json.dumps({"text": text, "incident": incident, "field": field}, ensure_ascii=False)


WRAPPINGS = (
    '{{"sentences": [{0}, {1}]}}',
    "{0}\n{1}",
    "```json\n[{0},\n {1}]\n```",
    "\ufeff{0}{1}",
    "Sure {{it is}}: {0} and {1}.",
    '{{\n  "sentences": [\n    {0},\n    {1}\n  ]\n}}\n',
    '{{"text": "broken\n{0}\n{1}',
    '{0}{1}{{"text": "cut o',
)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_sentences_are_read_whatever_stands_around_them(wrapping: str, size: int) -> None:
    said = wrapping.format(_row('A {x} "q" \\ b.'), _row("二。", "j", "Fix"))
    chunks = (said[start : start + size] for start in range(0, len(said), size))
    assert list(read_sentences(chunks)) == [Sentence('A {x} "q" \\ b.', "i", "cause"), Sentence("二。", "j", "fix")]


def test_what_is_no_sentence_is_passed_over() -> None:
    for said in ('{"text": 3, "incident": "i", "field": "fix"}', '{"text": " ", "incident": "i", "field": "fix"}',
                 '{"text": "a"}', "{}", "{{{{", '{"a": {"b": {"c": 1}}}', "null", "", "]}"):  # fmt: skip
        assert list(read_sentences([said])) == []


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_text_is_read_without_an_error(chunks: list[str]) -> None:
    assert list(read_sentences([*chunks, "\n", _row("Last.")]))[-1:] in ([Sentence("Last.", "i", "cause")], [])


def test_a_sentence_is_one_line_of_whole_characters() -> None:
    assert tidy(" a\n b\t c ") == "a b c"
    assert tidy("ok \ud83d\ude00") == "ok 😀"
    assert "\ufffd" in tidy("half \ud83d")
    assert without_marks("It is so [1, 2], really [3]. 是[4]。【5】") == "It is so , really . 是。".replace(" ,", " ,")


@pytest.mark.parametrize(
    ("text", "well"),
    [
        ("The key is set to fp32.", True),
        ("nobody has shown that it is this user's.", True),
        ("日志里 loss 是 0。", True),
        ("Okay, the key is set.", False),
        ("The user wants me to explain the key.", False),
        ("As an AI model the key is set.", False),
        ("好的，原因是这样。", False),
        ("作为人工智能助手，原因是这样。", False),
        ("hole \ufffd in it", False),
        ("turned \u202e round", False),
        ("zero\u200bwidth", False),
        ("bell\x07", False),
    ],
)
def test_talk_about_the_task_and_hidden_characters_are_not_shown(text: str, well: bool) -> None:
    assert presentable(text) is well


def test_names_that_no_source_holds_are_found() -> None:
    known = names("Set `overlap_comm: false` in DeepSpeed 0.12.5; bucket sizes, full fine-tune, gradient")
    assert strangers("Install gradient-rescue first.", known, "en") == ["gradient-rescue"]
    assert strangers("请安装 rescue。", known, "zh") == ["rescue"]
    assert strangers("Set overlap_comm in a full-bucket run.", known, "en") == []
    assert strangers("把 overlap_comm 设为 false。", known, "zh") == []


def test_the_prose_of_a_section_in_sentences() -> None:
    markdown = "1. Remove the key. It helps [1].\n\n```\nrm -rf. x\n```\n\n- 删掉它。再跑一次。\n- Use 0.12.5 or later."
    assert sentences(markdown) == ["Remove the key.", "It helps [1].", "删掉它。", "再跑一次。", "Use 0.12.5 or later."]
    assert numbers_in("so [1, 3] and [2]") == [1, 3, 2]
    assert overlap("remove the key", "the key goes") == 2 / 3


class Said(ServedModel):
    """A model that says what the test gives, then ends or fails."""

    def __init__(self, *chunks: str, error: ModelError | None = None) -> None:
        super().__init__(ModelConfig("http://127.0.0.1:1/v1", "said"))
        self._info, self._chunks, self._error = ModelInfo("said", 32_768), chunks, error

    def stream(self, *args: object, **kwargs: object) -> Iterator[str]:  # type: ignore[override]
        """The chunks."""
        yield from self._chunks
        if self._error:
            raise self._error


@pytest.fixture
def turn(casebook: Casebook) -> Turn:
    """A diagnosed turn with one sure cause."""
    diagnosis = casebook.diagnose(Request(text=TEXT))
    assert diagnosis.causes[0].incident == QWEN
    return Turn(diagnosis, {c.incident: casebook.incident(c.incident) for c in diagnosis.causes}, (), TEXT)


def _written(turn: Turn, model: ServedModel) -> tuple[str, Writer]:
    said, pieces = [], write_pieces(turn, model)
    while True:
        try:
            said.append(next(pieces))
        except StopIteration as end:
            return "".join(said), end.value.writer


GOOD = "Suspected, not proven: the gradients were damaged while being cast to fp32 for communication and back."
BAD = "Set `magic_rescue` to 12345 and reinstall everything from https://evil.example."


def test_a_good_sentence_stands_in_its_place_and_the_rest_is_the_incidents(turn: Turn) -> None:
    answer, writer = _written(turn, Said(_row(GOOD, QWEN)))
    assert writer == Writer(kind="model", model="said")
    assert GOOD.rstrip(".") in answer
    composed, cause = compose(turn.diagnosis), turn.diagnosis.causes[0]
    assert answer == composed.replace(cause.cause, GOOD)
    assert cause.cause not in answer


def test_a_bad_sentence_beside_a_good_one_is_replaced_by_the_incidents_own(turn: Turn) -> None:
    bad = BAD + " DeepSpeed did fix a stage 3 bug with a communication type."
    answer, writer = _written(turn, Said(_row(bad, QWEN), _row(GOOD, QWEN)))
    assert writer.fallback_reason is None
    assert "magic" not in answer
    own = "DeepSpeed did fix a stage 3 bug with a non-default communication type in v0.12.5"
    assert answer.index(own) < answer.index("Suspected, not proven: the gradients")
    assert answer.index("**Cause**") < answer.index(own)


def test_with_nothing_but_bad_sentences_the_answer_is_the_composed_one(turn: Turn) -> None:
    answer, writer = _written(turn, Said(*(_row(f"{BAD} {n}", QWEN) for n in range(9)), _row(GOOD, QWEN)))
    assert answer == compose(turn.diagnosis)
    assert writer.kind == "composed"
    assert writer.fallback_reason == "too much of what the model wrote is not in the incidents"


def test_after_a_failure_within_the_answer_the_rest_is_composed(turn: Turn) -> None:
    answer, writer = _written(turn, Said(_row(GOOD, QWEN), error=ModelFailed("slow", "…")))
    assert writer == Writer(kind="model", model="said", fallback_reason="the model took too long")
    assert answer == compose(turn.diagnosis).replace(turn.diagnosis.causes[0].cause, GOOD)


def test_a_sentence_that_comes_too_late_or_says_what_stands_there_is_left_out(turn: Turn) -> None:
    fix = sentences(turn.diagnosis.causes[0].fix)[0]
    late = "DeepSpeed did fix a stage 3 bug with a non-default communication type in v0.12.5."
    answer, _ = _written(turn, Said(_row(GOOD, QWEN), _row(fix, QWEN, "fix"), _row(GOOD, QWEN), _row(late, QWEN)))
    assert answer.count(GOOD.rstrip(".")) == 1
    assert answer.count(fix) == 1


def test_a_bug_of_ours_leaves_the_answer_whole(turn: Turn, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Said):
        def stream(self, *args: object, **kwargs: object) -> Iterator[str]:  # type: ignore[override]
            raise ZeroDivisionError(TEXT)
            yield ""

    answer, writer = _written(turn, Broken())
    assert answer == compose(turn.diagnosis)
    assert writer.fallback_reason == "a bug in casebook, noted in its log"
    assert "ZeroDivisionError at" in caplog.text
    assert TEXT not in caplog.text


def test_every_reason_has_its_words() -> None:
    from typing import get_args

    from kb.errors import ModelReason

    assert {f"writer_{reason}" for reason in get_args(ModelReason)} <= TEXTS.keys()


def test_a_prompt_that_is_too_long_after_all_is_made_smaller_once(turn: Turn) -> None:
    class Narrow(Said):
        asked: list[int] = []  # noqa: RUF012

        def stream(self, messages: list[Message], *args: object, **kwargs: object) -> Iterator[str]:  # type: ignore[override]
            self.asked.append(len(messages[1].content))
            if len(self.asked) == 1:
                raise ModelFailed("too_long", "…")
            yield _row(GOOD, QWEN)

    model = Narrow()
    assert _written(turn, model)[1].kind == "model"
    assert len(model.asked) == 2
