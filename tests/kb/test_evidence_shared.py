"""Prefixes of no known tool, before all lines of a program."""

import pytest

from kb.evidence import Input, read
from kb.evidence.shared import without_shared_prefix

TRACE = (
    "Traceback (most recent call last):",
    '  File "train.py", line 3, in <module>',
    "    main()",
    "RuntimeError: boom",
)


@pytest.mark.parametrize("prefix", ["worker-2: ", "3: ", "[node-0] ", "[stderr] ", "[gpu01:0]", "   12  "])
def test_the_prefix_of_a_traceback_is_taken_away(prefix: str) -> None:
    lines = ["what is this", *(prefix + line for line in TRACE)]
    assert [text for _, text in without_shared_prefix(enumerate(lines, 1))] == ["what is this", *TRACE]
    start = read([Input("x", "\n".join(lines))]).evidence.initiating_error
    assert start is not None
    assert (start.line, start.kind) == (5, "exception")


@pytest.mark.parametrize(
    "lines",
    [
        ["llama_model_loader: - kv 0: a", "llama_model_loader: - kv 1: b", "llama_model_loader: x", "main: done"] * 2,
        ["INFO: a", "INFO: b", "INFO: c", "INFO: d"],
        ["[rank0]: a", "[rank0]: b", "[rank0]: c", "[rank0]: d"],
        ["1: the first thing", "then a sentence", "and another one", "2: the second thing"],
    ],
)
def test_words_of_the_program_itself_stay(lines: list[str]) -> None:
    assert [text for _, text in without_shared_prefix(enumerate(lines, 1))] == lines
