"""Tokens, translation, passages and signatures: small pure functions, results worked out by hand."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis.strategies import DataObject, data, from_regex, sampled_from

from kb.lexical import LexicalIndex, query_terms
from kb.library import BUILT_IN, load_library
from kb.passages import ASKED, MAX_TOKENS, passages, split_lines
from kb.signatures import SignatureHit, SignatureIndex, anchor
from kb.terms import TermTable, names_in
from kb.tokens import lexical_tokens
from kb.translate import chinese_terms, to_english
from kb.types import Signature
from kb.writeups import parse_incident


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The losses are 0", ["loss"]),
        ("quantizing, quantized", ["quantiz", "quantiz"]),
        ("梯度归零", ["梯度", "度归", "归零"]),
        ("卡", ["卡"]),
        ("communication_data_type", ["communication_data_type", "communic", "data", "type"]),
        ("--max-model-len 8192", ["max-model-len", "max", "model", "len", "8192"]),
        ("OutOfMemoryError", ["outofmemoryerror", "out", "memori", "error"]),
        ("Qwen2.5-7B", ["qwen2.5-7b", "qwen"]),
        ("<|im_end|> !!!!!!", ["<|im_end|>", "im", "end", "!!!!"]),
        ("Qwen 模型", ["qwen", "模型"]),  # full-width letters
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert lexical_tokens(text) == tokens


def test_translation_keeps_latin_words_and_drops_unknown_chinese() -> None:
    assert to_english("训练 loss 归零了呢").split()[-1] != "归零"
    assert "loss" in to_english("loss 归零")
    assert not any("\u4e00" <= c <= "\u9fff" for c in to_english("梯度归零,龘"))
    assert "梯度" in chinese_terms("the gradients explode")


def test_split_keeps_lines_and_the_limit() -> None:
    words = lambda text: len(text.split())  # noqa: E731
    text = "a b c\nd e\n\nf g h i"
    assert split_lines(text, 5, words) == ["a b c\nd e\n", "f g h i"]
    assert split_lines("a b c d e f g h", 4, words) == ["a b c d e f g h"]  # below the floor of 16 nothing is cut
    long = " ".join(["w"] * 40)
    assert all(words(piece) <= 20 for piece in split_lines(long, 20, words))
    assert "".join(split_lines(long, 20, words)).replace("\n", "").split() == long.split()


def test_no_built_in_passage_is_longer_than_the_model_reads(embedder) -> None:  # type: ignore[no-untyped-def]
    for incident in load_library([BUILT_IN]).incidents.values():
        for passage in passages(incident, embedder.count_tokens, embedder.reads_chinese):
            assert embedder.count_tokens(passage.embedded) <= MAX_TOKENS, passage.id
            assert passage.section == ASKED or passage.text.startswith(incident.title.get(passage.lang))


def test_bm25_scores_are_lucenes() -> None:
    from test_writeups import FULL

    one = parse_incident(FULL, "every-key.md")
    two = parse_incident(FULL.replace("id: every-key", "id: other").replace("Look.", "Zebra."), "other.md")
    index = LexicalIndex.build([one, two], "en")
    scores = index.scores(["zebra"])
    assert list(scores) == ["other"]
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert 0 < scores["other"] < idf  # Lucene's term factor is below 1
    assert index.scores(["nowhere"]) == {}


def test_a_term_table_weighs_by_rarity_and_survives_save_and_load(tmp_path: Path) -> None:
    table = TermTable.build({"a": {"loss", "zero"}, "b": {"loss"}})
    loss, zero, unknown = math.log(1 + 0.5 / 2.5), math.log(1 + 1.5 / 1.5), math.log(1 + 2.5 / 0.5)
    table.save(tmp_path / "terms")
    for one in (table, TermTable.load(tmp_path / "terms")):
        assert one.weight(["loss", "zero", "nowhere"]) == pytest.approx(loss + zero + unknown)
        assert one.held(["loss", "zero", "nowhere"]) == pytest.approx({"a": loss + zero, "b": loss})
        assert one.held(["nowhere"]) == {}


def test_names_of_things_are_told_from_words_and_numbers() -> None:
    assert names_in("YOLOv8 with box_loss at 0.5, --flash-attn and plain words 12") == {
        "yolov8",
        "box_loss",
        "flash-attn",
    }


def test_bm25_survives_save_and_load(tmp_path: Path) -> None:
    incidents = list(load_library([BUILT_IN]).incidents.values())
    index = LexicalIndex.build(incidents, "zh")
    index.save(tmp_path / "zh")
    terms = query_terms("GRPO 奖励 reward_std 为 0", "zh")
    assert LexicalIndex.load(tmp_path / "zh").scores(terms) == index.scores(terms)
    LexicalIndex.build([], "zh").save(tmp_path / "none")
    assert LexicalIndex.load(tmp_path / "none").scores(terms) == {}


def _signatures(text: str) -> tuple[str, Sequence[Signature]]:
    incident = parse_incident(text, "every-key.md")
    return incident.id, incident.signatures


def test_signatures_find_their_line_and_bend_for_blanks_and_case() -> None:
    from test_writeups import FULL

    text = FULL.replace("\"yes: 'quoted' # not a comment\"", '"CUDA out of memory"')
    index = SignatureIndex([_signatures(text)])
    lines = ["all well", "cuda  Out of\tmemory", "error code 42!", "code x"]
    assert index.find(lines) == [SignatureHit("every-key", 0, 1), SignatureHit("every-key", 1, 2)]
    assert SignatureIndex([]).find(lines) == []


def test_a_signature_over_several_lines_is_found_where_it_ends() -> None:
    from test_writeups import FULL

    text = FULL.replace("code \\d+\\b", "worker failed[\\s\\S]{0,40}KeyError x")
    index = SignatureIndex([_signatures(text)])
    lines = ["Worker 错误", "worker FAILED", "  at step 3", "KeyError x", "done"]
    assert index.find(lines) == [SignatureHit("every-key", 1, 3)]
    assert index.find(["worker failed", "a" * 60, "KeyError x"]) == []


def test_a_hostile_text_costs_linear_time() -> None:
    from test_writeups import FULL

    index = SignatureIndex([_signatures(FULL.replace("code \\d+\\b", "(a+)+$"))])
    assert index.find(["a" * 20_000 + "b"]) == []


@cache
def _regexes() -> list[str]:
    signatures = [s for i in load_library([BUILT_IN]).incidents.values() for s in i.signatures]
    return [s.regex for s in signatures if s.regex]


@settings(max_examples=300, deadline=None)
@given(data())
def test_every_match_of_a_signature_holds_its_anchor(draw: DataObject) -> None:
    regex = draw.draw(sampled_from(_regexes()))
    assert anchor(regex) in draw.draw(from_regex(regex)).casefold()


@pytest.mark.parametrize(
    ("regex", "run"),
    [
        (r"code \d+ of the Run", " of the run"),
        (r"\[rank\d\]: aborted", "]: aborted"),
        (r"time[- ]out after ab*c", "out after a"),
        (r"one|other thing", ""),
        (r"(?:never|this) here?", " her"),
        (r"\p{L}ong\x41\12 x{2}yz", "ong"),
        (r"\Q(a|b)\E", ""),
    ],
)
def test_an_anchor_is_what_no_match_can_do_without(regex: str, run: str) -> None:
    assert anchor(regex) == run
