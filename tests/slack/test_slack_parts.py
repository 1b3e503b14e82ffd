"""The parts without a network: marks, blocks, pictures, words, events, the queue's record."""

import json
import re
import sqlite3
import time
from pathlib import Path

import pytest
from fake_slack import METHOD_SCOPES
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_limits import invalid_blocks

from app.diagnosis import Diagnosis, Request
from app.slack import blocks, words
from app.slack.events import from_message, language_of, plain
from app.slack.manifest import EVENTS, SCOPES
from app.slack.model import Job, Me
from app.slack.mrkdwn import SECTION, escape, mrkdwn, quiet, sections
from app.slack.plot import picture
from app.slack.state import State
from kb.evidence.model import MetricSeries

ME = Me("T1", "UBOT", "BBOT")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**bold** and `x < y` & more", "*bold* and `x &lt; y` &amp; more"),
        ("# Heading\n- one\n  - two", "*Heading*\n• one\n  • two"),
        ("see [the docs](https://x.org/a_b) <https://y.org>", "see <https://x.org/a_b|the docs> <https://y.org>"),
        ("```yaml\na: <b>\n```", "```\na: &lt;b&gt;\n```\n"),
        ("  ```\n  a\n    b\n  ```", "```\na\n  b\n```\n"),
        ("先**检查**标签，再看`loss`的值", "先\u200b*检查*\u200b标签，再看\u200b`loss`\u200b的值"),
        ("<!channel> <@U1> @here", "&lt;!channel&gt; &lt;@U1&gt; @\u200bhere"),
    ],
)
def test_markdown_becomes_slacks_marks(markdown, expected):
    assert mrkdwn(markdown) == expected


def test_a_long_log_is_never_echoed():
    log = "```\n" + "\n".join(f"line {n} " + "x" * 500 for n in range(1000)) + "\n```"
    shown = mrkdwn(log)
    assert shown.count("\n") < 50
    assert "… 960 …" in shown
    assert len(quiet(log)) < 20_000


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=6000), st.integers(1, 60))
def test_any_text_fits_into_sections(text, times):
    found = sections(text * times, 5)
    assert len(found) <= 5
    assert all(0 < len(one) <= SECTION for one in found)
    assert not any(re.search(r"<[!@#]", one) for one in found)


@given(st.text())
def test_escaped_text_pings_nobody(text):
    assert "<" not in escape(text)


def diagnosis(casebook, text) -> Diagnosis:
    return casebook.diagnose(Request(text=text))


@pytest.mark.parametrize(
    "text",
    [
        "loss is 0 and grad_norm is nan after a few hundred steps",
        "从第一步开始 loss 就是 0",
        "CUDA out of memory when I load the model",
        "my sourdough does not rise",
        "hello",
    ],
)
def test_every_kind_of_answer_keeps_to_the_limits(casebook, text):
    found = diagnosis(casebook, text)
    for private in (False, True):
        whole = blocks.answer(found, private=private)
        assert invalid_blocks(whole) == ""
        assert len(json.dumps(whole)) < 40_000


def test_the_dialogs_keep_to_the_limits(casebook):
    from slack_limits import invalid_view

    found = diagnosis(casebook, "loss is 0 and grad_norm is nan after a few hundred steps")
    about = {"case": found.case, "channel": "C1", "thread": "1.2", "message": "1.3"}
    for lang in ("en", "zh"):
        assert invalid_view(blocks.why_dialog(lang, about)) == ""
    assert invalid_view(blocks.which_dialog(found, about)) == ""


def test_the_picture_shows_gaps_as_marks():
    values = (1.5, 1.2, "nan", 0.9, "inf", 0.8)
    png = picture({"loss": MetricSeries(steps=tuple(range(6)), values=values)})
    assert png is not None
    assert png.startswith(b"\x89PNG")
    assert len(png) < 30_000
    assert picture({"loss": MetricSeries(steps=(1, 2), values=(1.0, 2.0))}) is None
    assert picture({"loss": MetricSeries(steps=(0, 1, 2, 3), values=("nan",) * 4)}) is not None


def test_every_sentence_is_there_in_both_languages():
    for key, texts in words.WORDS.items():
        assert set(texts) == {"en", "zh"}, key
        assert sorted(re.findall(r"{\w+}", texts["en"])) == sorted(re.findall(r"{\w+}", texts["zh"])), key


def test_the_scopes_are_exactly_those_of_the_methods_and_events_used():
    source = "".join(p.read_text("utf-8") for p in Path(words.__file__).parent.glob("*.py"))
    used = set(re.findall(r'"((?:chat|conversations|reactions|files|views|auth|users|assistant)\.\w+)"', source))
    needed = {METHOD_SCOPES[method] for method in used if method != "conversations.replies"} - {""}
    history = {"channels:history", "groups:history", "im:history", "mpim:history"}  # of conversations.replies too
    of_events = {"app_mention": "app_mentions:read"} | {
        f"message.{k}": f"{k}:history" for k in ("channels", "groups", "im", "mpim")
    }
    assert set(of_events) == set(EVENTS)
    assert set(SCOPES) == needed | history | set(of_events.values()) | {"commands"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@UBOT> loss &lt; 0 &amp; <https://x.org|x>", "loss < 0 & https://x.org"),
        ("ask <@U2|jo> in <#C1|general> <!here>", "ask @jo in #general"),
        ("```\na &gt; b\n```", "```\na > b\n```"),
    ],
)
def test_slacks_marks_become_text(text, expected):
    assert plain(text, ME) == expected


def test_languages_are_guessed_for_what_is_said_before_a_diagnosis():
    assert language_of("loss 是 0") == "zh"
    assert language_of("loss is 0") == "en"


@given(st.dictionaries(st.sampled_from(["text", "user", "ts", "subtype", "bot_id", "thread_ts", "type"]), st.text()))
def test_no_message_breaks_the_reading(fields):
    event = {"channel": "C1", "ts": "1.1", "user": "U1", "text": "", **fields}
    job = from_message(event, ME, None)
    assert job is None or job.channel == "C1"


def job(number: int, user: str = "U1") -> Job:
    return Job(
        key=f"m:{number}",
        kind="question",
        team="T1",
        channel="C1",
        user=user,
        ts=f"{number}.0",
        thread="1.0",
        text="secret",
    )


def test_the_record_outlasts_a_restart_and_forgets_what_is_answered(tmp_path):
    url = f"sqlite:///{tmp_path / 's.db'}"
    limits = {"queue": 10, "user_hourly": 3, "channel_hourly": 4}
    state = State(url)
    assert state.accept(job(1), **limits) == "accepted"
    assert state.accept(job(1), **limits) == "known"
    assert state.accept(job(2), **limits) == "accepted"
    assert state.begin("m:1").tries == 1
    state.done("m:1")
    state.close()
    state = State(url)
    assert [j.key for j in state.open_jobs()] == ["m:2"]
    assert state.accept(job(1), **limits) == "known"
    assert state.accept(job(3), **limits) == "accepted"
    assert state.accept(job(4), **limits) == "user_limit"
    assert state.accept(job(5, "U2"), **limits) == "accepted"
    assert state.accept(job(6, "U3"), **limits) == "channel_limit"
    assert state.accept(job(7), **{**limits, "queue": 3}) == "full"
    assert (state.begin("m:2").tries, state.begin("m:2").tries) == (1, 2)
    with sqlite3.connect(tmp_path / "s.db") as database:
        kept = dict(database.execute("SELECT key, job FROM slack_jobs"))
    assert kept["m:1"] == ""
    assert "secret" in kept["m:2"]
    state.purge(time.time())
    assert state.known(["m:1", "m:2", "m:9"]) == {"m:1", "m:2"}
    assert (state.once(job(8)), state.once(job(8))) == (True, False)
    state.purge(time.time() + 31 * 86_400)
    assert state.known(["m:1", "m:2", "m:8"]) == {"m:2"}  # what is not answered is kept
    state.close()
