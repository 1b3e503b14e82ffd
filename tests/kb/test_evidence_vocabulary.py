"""The reader's data files agree with kb/vocabulary/signals.yaml and compile."""

import re

from kb import vocabulary
from kb.evidence.errors import TIERS
from kb.evidence.log_signals import log_signals
from kb.evidence.scan import trigger
from kb.evidence.shapes import RULES
from kb.evidence.words import spoken
from kb.vocabulary import table

IN_CODE = {"eval-loss-missing", "loss-scale-overflow", "fp16-scaler-warmup"}


def test_every_signal_can_be_read_somewhere() -> None:
    known = set(vocabulary.signals())
    readable = {name for name, _ in RULES} | set(table("log_signals")) | set(table("words")["signals"]) | IN_CODE
    assert readable == known


def test_signals_are_read_where_the_vocabulary_says() -> None:
    said = {name: set(entry["read_in"]) for name, entry in vocabulary.signals().items()}
    shapes = {name for name, _ in RULES} | IN_CODE
    assert {n for n, where in said.items() if "metric" in where} <= shapes
    assert {n for n, where in said.items() if "words" in where} <= set(table("words")["signals"])
    assert {n for n, where in said.items() if "log" in where} <= set(table("log_signals")) | IN_CODE


def test_tiers_are_known_and_patterns_compile() -> None:
    data = table("error_lines")
    assert {rule["tier"] for rule in [*data["lines"], *data["exceptions"]]} <= set(TIERS)
    assert log_signals("nothing of note") == []
    assert spoken([]) == []
    assert trigger().search(b"nothing of note") is None
    for name in ("before", "after", "not_negation"):
        re.compile(table("words")["negation"][name])
