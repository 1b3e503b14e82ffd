"""Versions: read from labelled pastes, and judged against ranges by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import versions_eval
from kb import yamlio
from kb.evidence.model import Line
from kb.evidence.version_formats import FORMATS, NAMES
from kb.evidence.versions import read_versions
from kb.types import VersionFact
from kb.versions import judge, valid_range, valid_version


@pytest.mark.parametrize(("text", "expected"), versions_eval.pastes(), ids=lambda value: str(value)[:30])
def test_labelled_pastes(text: str, expected: dict[str, str]) -> None:
    assert versions_eval.read(text) == expected


def test_names_are_the_vocabulary_s() -> None:
    known = yamlio.load(_vocabulary(), "components.yaml")[0]
    assert NAMES.keys() <= known.keys()
    assert {form.component for form in FORMATS} - {""} <= known.keys()


def _vocabulary() -> str:
    from importlib.resources import files

    return (files("kb.vocabulary") / "components.yaml").read_text("utf-8")


def test_the_line_is_kept() -> None:
    lines = [Line("a.txt", 7, "boom"), Line("a.txt", 9, "vllm==0.6.3")]
    seen = read_versions(lines)["vllm"]
    assert (seen.input, seen.line, seen.version) == ("a.txt", 9, "0.6.3")


def test_reported_beats_words_wherever_it_stands() -> None:
    assert versions_eval.read("I use torch 2.1\n...\ntorch==2.5.1+cu121") == {"torch": "2.5.1+cu121"}
    assert versions_eval.read("torch==2.5.1+cu121\n...\nI use torch 2.1") == {"torch": "2.5.1+cu121"}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["vllm ", "==", "0.8", "版本是", "CUDA", "\x00", "\ud800", "b4567", "Name: "])
        | st.text(max_size=8)
    )
)
def test_any_text_is_read(pieces: list[str]) -> None:
    read_versions(Line("x", number, text) for number, text in enumerate(["".join(pieces), *pieces], 1))


def _judge(version: str, affected: str | None, fixed_in: str | None = None, scheme: str = "pep440") -> str:
    fact = VersionFact.model_validate(
        {"component": "x", "scheme": scheme, "affected": affected, "fixed_in": fixed_in, "source": 1}
    )
    return judge(fact, version)


@pytest.mark.parametrize(
    ("version", "affected", "fixed_in", "verdict"),
    [
        ("0.12.4", ">=0.12.4,<0.14.0", None, "affected"),
        ("0.14.0", ">=0.12.4,<0.14.0", None, "not_affected"),
        ("0.14.0", ">=0.12.4,<0.14.0", "0.14.0", "fixed"),
        ("0.11.2", ">=0.12.4,<0.14.0", "0.14.0", "not_affected"),
        ("0.18.1", None, "0.19.0", "affected"),
        ("0.19.0", None, "0.19.0", "fixed"),
        ("2.5.1+cu121", "<2.6", "2.6", "affected"),  # a local part names the build
        ("2.5.1+cu121", "==2.5.1", None, "affected"),
        ("0.6.3.post1", ">0.6.2,<=0.6.3.post1", None, "affected"),
        ("0.6.3", None, "0.6.3.post1", "affected"),
        ("4.37.0.dev0", "<4.37", "4.37", "unknown"),  # before or after the fix within development
        ("4.37.0.dev0", "<4.38", "4.38", "affected"),
        ("4.37.0rc1", ">=4.36,<4.40", None, "affected"),
        ("0.6.4.post2.dev12+g8f4e2a1", "<0.7", "0.7", "affected"),
        ("4.45", "==4.45.1", None, "unknown"),  # 4.45 may be any 4.45.x
        ("4.45", "<4.45.2", "4.45.2", "unknown"),
        ("4.45", ">=4.45,<4.47", None, "affected"),
        ("4.45", "==4.45.*", None, "affected"),
        ("2025.3.18", "==2025.3.18", None, "affected"),
        ("v0.8.5", "<0.9", "0.9", "affected"),
        ("4.36.1", ">=4.30,<4.35 || >=4.36,<4.36.2", None, "affected"),
        ("4.35.0", ">=4.30,<4.35 || >=4.36,<4.36.2", None, "not_affected"),
        ("main", "<4.37", None, "unknown"),
        ("", "<4.37", None, "unknown"),
        ("4.36", "nonsense", None, "unknown"),
        ("4.36", "<5", "nonsense", "unknown"),
    ],
)
def test_pep440(version: str, affected: str | None, fixed_in: str | None, verdict: str) -> None:
    assert _judge(version, affected, fixed_in) == verdict


@pytest.mark.parametrize(
    ("version", "affected", "fixed_in", "verdict"),
    [
        ("b4566", "<b4567", "b4567", "affected"),
        ("4567", "<b4567", "b4567", "fixed"),
        ("b4600", ">=4500,<4567", None, "not_affected"),
        ("b10000", ">b9999", None, "affected"),  # a number, not letters
        ("0.3.2", "<b4567", None, "unknown"),
    ],
)
def test_build(version: str, affected: str | None, fixed_in: str | None, verdict: str) -> None:
    assert _judge(version, affected, fixed_in, "build") == verdict


@pytest.mark.parametrize(
    ("version", "affected", "fixed_in", "verdict"),
    [
        ("535.54.03", "<535.104.05", "535.104.05", "affected"),
        ("535.104.05", "<535.104.05", "535.104.05", "fixed"),
        ("550.54.15", "<535.104.05", None, "not_affected"),
        ("535", "<535.104.05", None, "unknown"),  # which 535?
        ("525", "<535.104.05", None, "affected"),
        ("main", "<535", None, "unknown"),
    ],
)
def test_driver(version: str, affected: str | None, fixed_in: str | None, verdict: str) -> None:
    assert _judge(version, affected, fixed_in, "driver") == verdict


@pytest.mark.parametrize(
    ("scheme", "text", "valid"),
    [
        ("pep440", ">=0.12.4,<0.14", True),
        ("pep440", "==4.45.*", True),
        ("pep440", "<1 || >2", True),
        ("pep440", "0.12.4", False),
        ("pep440", "", False),
        ("pep440", ">=0.12.4 <0.14", False),
        ("pep440", "<abc", False),
        ("build", "<b4567", True),
        ("build", ">=4500,<=4567", True),
        ("build", "~=4567", False),
        ("build", "<4.5", False),
        ("driver", "<535.104.05", True),
        ("driver", "<=535.x", False),
        ("semver", "<1", False),
    ],
)
def test_valid_range(scheme: str, text: str, valid: bool) -> None:
    assert valid_range(scheme, text) is valid


def test_valid_version() -> None:
    assert valid_version("pep440", "0.6.3.post1")
    assert valid_version("build", "b4567")
    assert not valid_version("pep440", ">=1")
    assert not valid_version("driver", "r535")


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=20) | st.from_regex(r"v?\d{1,3}(\.\d{1,4}){0,3}(rc1|\.post1|\.dev3)?(\+cu1)?", fullmatch=True),
    st.sampled_from(["pep440", "build", "driver"]),
    st.sampled_from([">=1.2,<3", "<b4567", "<535.104.05", "==4.*", "x"]),
)
def test_judge_never_raises(version: str, scheme: str, affected: str) -> None:
    assert _judge(version, affected, None, scheme) in ("affected", "not_affected", "unknown")
