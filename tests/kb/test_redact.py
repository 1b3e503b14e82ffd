"""Redaction: what goes, what stays, and that any text whatever comes out with its lines."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import secrets_eval
from kb.patterns import Pattern
from kb.redact import Redactor, redact
from kb.redact_rules import RULES

HF = "hf_" + "aB3" * 12
BEGIN, END = ("-----" + mark + " RSA PRIVATE KEY-----" for mark in ("BEGIN", "END"))


@pytest.mark.parametrize("case", secrets_eval.cases(seed=11), ids=lambda case: case.text[:40])
def test_labelled_secrets_go_and_the_rest_stays(case: secrets_eval.Case) -> None:
    text = redact(case.text).text
    assert case.expected.fullmatch(text)
    assert not any(secret in text for secret in case.secrets)


@pytest.mark.parametrize("line", secrets_eval.harmless())
def test_error_lines_stay(line: str) -> None:
    assert redact(line).text == line


def test_same_secret_same_placeholder() -> None:
    other = "hf_" + "Zy9" * 12
    redacted = redact(f"HF_TOKEN={HF}\nHF_TOKEN={other}\nusing {HF}\n")
    assert redacted.text == "HF_TOKEN=<key-1>\nHF_TOKEN=<key-2>\nusing <key-1>\n"
    assert redacted.count == 3
    assert redacted.kinds == {"key": 3}


def test_redactor_keeps_placeholders_across_inputs() -> None:
    redactor = Redactor()
    assert redactor.redact("/home/alice/a").text == "/home/<user-1>/a"
    assert redactor.redact("/home/bob/a /home/alice/b").text == "/home/<user-2>/a /home/<user-1>/b"


def test_known_user_is_found_in_other_folders_but_not_in_words() -> None:
    text = "/home/alice/x\n/data/alice/y\nalice in chains\n/data/alice-2/z"
    assert redact(text).text == "/home/<user-1>/x\n/data/<user-1>/y\nalice in chains\n/data/alice-2/z"


def test_matches_may_follow_each_other() -> None:
    assert redact("/home/alice/home/bob 10.0.0.5,10.0.0.6").text == "/home/<user-1>/home/<user-2> <ip-1>,<ip-2>"


def test_a_line_separator_is_no_user_name() -> None:
    text = "/home/\u2028/home/ C:\\Users\\a\x0bb\\c"
    assert len(redact(text).text.splitlines()) == len(text.splitlines()) == 3


def test_nothing_found_returns_the_same_text() -> None:
    text = "RuntimeError: CUDA error\n"
    assert redact(text).text is text
    assert redact(text).count == 0


def test_private_key_keeps_its_number_of_lines() -> None:
    body = "\n".join(["MII" + "aB3/" * 15] * 25)
    text = f"a\n{BEGIN}\n{body}\n{END}\nb"
    redacted = redact(text)
    assert redacted.text.count("<private-key-1>") == 25
    assert redacted.count == 1
    assert len(redacted.text.splitlines()) == 29


def test_every_hint_covers_its_pattern() -> None:
    lines = [line for case in secrets_eval.cases() for line in case.text.encode().split(b"\n")]
    for rule in RULES:
        hint, pattern = Pattern(rule.hint), Pattern(rule.pattern)
        for line in lines:
            if any(max(spans[1:]) > (-1, -1) for spans in pattern.matches(line)):
                assert hint.search(line) is not None, (rule.name, line)


def test_rules_have_names_reasons_and_known_kinds() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    kinds = {name.rstrip("0123456789") for rule in RULES for name in Pattern(rule.pattern).names}
    assert kinds <= {"key", "token", "password", "email", "ip", "host", "user"}
    assert all(rule.why for rule in RULES)


PIECES = st.sampled_from(
    [
        "sk-",
        HF,
        "://",
        "@",
        ":",
        "=",
        "/home/",
        "alice",
        "password",
        "token",
        " ",
        "\n",
        "\r",
        "\x0b",
        "\u2028",
        "\x85",
        "é",
        "张",
        "10.0.0.5",
        BEGIN,
        END,
        "MIIabc+/def012345678==",
        '"',
        "'",
        "\\",
        "C:\\Users\\",
        "<key-1>",
        "�",
        "\x00",
        "a.b@c.com",
        "Authorization: Bearer ",
        ",",
        "key",
        "n-1",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_any_text_keeps_its_lines(text: str) -> None:
    once = redact(text)
    assert len(once.text.splitlines()) == len(text.splitlines())
    assert once.text.count("\n") == text.count("\n")
    assert once.count == sum(once.kinds.values())
    if "PRIVATE KEY" not in text:  # a mark within a replaced value changes what lies between marks
        assert redact(once.text).text == once.text


@pytest.mark.parametrize("piece", ["a@", "/home/", "password=", "10.", "token: ", "login x password ", "curl ", "://a"])
def test_repeated_pieces_take_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.perf_counter()
        redact(text)
        return time.perf_counter() - start

    seconds(1000)
    small, large = min(seconds(50_000) for _ in range(3)), seconds(800_000)
    assert large < 16 * 4 * max(small, 0.001)  # 16 times the text; quadratic would be 256 times
