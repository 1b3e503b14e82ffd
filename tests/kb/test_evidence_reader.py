"""The evidence read from small pastes, worked out by hand."""

import time

import pytest

from kb.evidence import Input, read
from kb.evidence.mentions import gpu_count, named
from kb.evidence.metrics import MetricReader
from kb.evidence.model import Line
from kb.evidence.series import LIMIT, Column, published


def signals(text: str) -> set[str]:
    return {s.name for s in read([Input("text", text)]).evidence.signals}


def test_the_start_is_the_first_rank_that_failed_not_the_last_line() -> None:
    text = (
        "[rank1]: Traceback (most recent call last):\n"
        '[rank1]:   File "t.py", line 1, in <module>\n'
        "[rank1]: ValueError: bad\n"
        "[rank0]:[E520 12:00:00.1 ProcessGroupNCCL.cpp:523] [Rank 0] Watchdog caught collective operation timeout: x\n"
        "W0520 12:00:01.100000 9 torch/distributed/api.py:897] Sending process 3 closing signal SIGTERM\n"
    )
    evidence = read([Input("text", text)]).evidence
    assert [(e.line, e.type, e.rank, e.role) for e in evidence.exceptions] == [
        (3, "ValueError", 1, "initiating"),
        (4, "NcclTimeout", 0, "cascade"),
        (5, "SIGTERM", None, "teardown"),
    ]
    assert evidence.initiating_error is not None
    assert evidence.initiating_error.text == "ValueError: bad"


def test_of_chained_exceptions_the_first_started_it() -> None:
    text = (
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'qwen3'\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "a.py", line 2, in g\nValueError: unknown\n'
    )
    roles = [(e.type, e.role) for e in read([Input("text", text)]).evidence.exceptions]
    assert roles == [("KeyError", "initiating"), ("ValueError", "cascade")]


def test_an_error_before_training_went_on_is_not_the_start() -> None:
    row = "{'loss': 1.2, 'grad_norm': 0.5, 'epoch': 0.1}\n"
    evidence = read([Input("text", "ValueError: retried\n" + row * 3 + "IndexError: final\n")]).evidence
    assert evidence.initiating_error is not None
    assert evidence.initiating_error.line == 5


def test_nan_hidden_by_the_trainer_is_named_with_its_lines() -> None:
    text = "{'loss': 1.5, 'grad_norm': 1.0}\n{'loss': 0.0, 'grad_norm': nan}\n{'loss': 0.0, 'grad_norm': nan}"
    evidence = read([Input("text", text)]).evidence
    seen = {s.name: s for s in evidence.signals}
    assert seen["loss-nan-hidden"].lines == (2, 3)
    assert seen["loss-zero-onset"].lines == (1, 2, 3)
    assert evidence.metrics["grad_norm"].values == (1.0, "nan", "nan")


def test_fp16_warm_up_is_benign() -> None:
    rows = ["{'loss': 1.9, 'grad_norm': nan, 'learning_rate': 0.0}"] * 2
    rows += [f"{{'loss': {1.9 - i / 10}, 'grad_norm': 1.{i}, 'learning_rate': 1e-05}}" for i in range(6)]
    assert signals("\n".join(rows)) == {"fp16-scaler-warmup"}


def test_one_row_is_too_little_and_said_so() -> None:
    evidence = read([Input("text", "{'loss': 0.0, 'grad_norm': 0.0, 'epoch': 0.01}")]).evidence
    assert evidence.signals == ()
    assert any("only one row" in s.why for s in evidence.checks_skipped)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("训练没有 NaN,也没有 OOM", set()),
        ("no NaN, no OOM, but it hangs", {"hang"}),
        ("The OOM is fixed, now loss is nan", {"loss-nan"}),
        ("not only is the loss nan, it also hangs", {"loss-nan", "hang"}),
        ("没几步梯度就爆了", {"grad-norm-spike"}),
        ("How do I train Qwen3 on 8 GPUs?", set()),
    ],
)
def test_words_and_their_negation(text: str, expected: set[str]) -> None:
    assert signals(text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8 卡 A100", 8), ("8xA100", 8), ("2*4090", 2), ("单卡", 1), ("双卡 3090", 2),
        ("on a single GPU", 1),
        ("A100 x 4", 4),
        ("4 GPUs", 4), ("八卡机", 8), ("2 nodes with 8 GPUs each", 16), ("2机16卡", 16), ("--nproc_per_node 8", 8),
        ("CUDA_VISIBLE_DEVICES=0,1,2", 3), ("step 8 of 100", None), ("qwen2.5-7b on a100", None),
    ],
)  # fmt: skip
def test_gpu_count(text: str, count: int | None) -> None:
    assert gpu_count(text) == count


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("Qwen2.5-7B-Instruct", ["qwen2.5"]),
        ("qwen3.5", ["qwen3.5"]),
        ("Qwen2.5-VL-7B", ["qwen2.5-vl"]),
        ("qwen3-30b-a3b", ["qwen3-moe"]),
        ("I use qwen.", ["qwen"]),
    ],
)
def test_models_are_whole_words(text: str, models: list[str]) -> None:
    assert named("models", text) == models


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{'loss': '0.5', 'grad_norm': '1e-3'}", {"loss": 0.5, "grad_norm": 1e-3}),
        ("{'loss': np.float64(0.5), 'reward': tensor(2.)}", {"loss": 0.5, "reward": 2.0}),
        ("iteration 10/ 100 | lm loss: 1.0E+01 | grad norm: 1.5 |", {"loss": 10.0, "grad_norm": 1.5}),
        ("step:3 - actor/grad_norm:0.5 - critic/rewards/mean:0.25", {"grad_norm": 0.5, "reward": 0.25}),
        ("step: 1  loss:  8.5  tps: 1,234", {"loss": 8.5, "tokens_per_second": 1234.0}),
        (" 50%|# | 1/2 [00:10<00:10, 1.0s/it, loss=1.5]", {"loss": 1.5}),
        ("max_grad_norm=1.0, learning_rate=1e-5", {}),
        ("{'train_runtime': 1.0, 'train_loss': 0.5}", {}),
    ],
)
def test_rows_of_each_trainer(line: str, expected: dict[str, float]) -> None:
    reader = MetricReader()
    reader.feed(Line("x", 1, line))
    got = {k: float(s.high[0]) for k, s in reader.series().items()}
    assert got == expected


def test_a_long_series_keeps_every_extreme_in_bounded_memory() -> None:
    column, rows = Column(), 20 * LIMIT
    for i in range(rows):
        column.add(i + 1, i + 1, float(i), float("nan"), 99.0 if i == 12_345 else 1.0)
    series = column.series()
    assert len(series) <= 2 * LIMIT
    assert series.high.max() == 99.0
    shown = published(series)
    assert len(shown.values) <= 500
    assert 99.0 in shown.values


def test_a_paste_of_60_lines_is_quick() -> None:
    rows = ["{'loss': 0.1, 'grad_norm': 1.0, 'epoch': 0.1}"] * 58
    text = "\n".join(["my loss is 0, 8xA100, deepspeed", *rows, "ValueError: x"])
    read([Input("text", text)])
    times = []
    for _ in range(15):
        start = time.perf_counter()
        read([Input("text", text)])
        times.append(time.perf_counter() - start)
    assert sorted(times)[0] < 0.015  # the bar is 5 ms on a quiet machine: python -m evals logspeed


def test_texts_are_redacted() -> None:
    key = "hf_" + "a1B2c3D4e5" * 4
    reading = read([Input("text", f"My token {key} does not work, why?\nValueError: bad token {key}")])
    assert key not in reading.prose
    assert all(key not in line.text for line in reading.notable)
    assert key not in reading.evidence.model_dump_json()
    assert reading.evidence.redactions >= 2


def test_full_width_punctuation_ends_clauses_and_sentences() -> None:
    comma, stop, wide_eight = "\uff0c", "\u3002", "\uff18"
    assert signals(f"训练没有 OOM{comma}但是卡住了{stop}输出正常") == {"hang"}
    reading = read([Input("text", f"{wide_eight}卡 A100 训练{comma}loss 一直是 0")])
    assert reading.evidence.mentions.gpus == 8
    assert reading.language == "zh"
