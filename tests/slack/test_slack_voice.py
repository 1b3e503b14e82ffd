"""One answer, said once: streams, edits, faults in mid-answer and what a restart finds."""

import time
from itertools import pairwise

import pytest
from fake_slack import BOT_TOKEN, FakeSlack, Faults
from slack_people import own, text_of, until

from app.diagnosis import Done, SentenceReady
from app.slack import voice as voices
from app.slack.blocks import section
from app.slack.client import Client, Limited, Refused, Stopped, Unsure
from app.slack.model import Job, Me, Progress
from app.slack.state import State
from app.slack.voice import Streams, ThreadVoice

QUESTION = "loss is 0.0 and grad_norm 0.0 from the first step with axolotl"
WHOLE = [section("the whole answer")]


class Slow:
    """A casebook whose answers come as slowly as a model writes them."""

    def __init__(self, casebook, pause):
        self._casebook, self._pause = casebook, pause

    def __getattr__(self, name):
        return getattr(self._casebook, name)

    def stream(self, *args, **kwargs):
        for event in self._casebook.stream(*args, **kwargs):
            if isinstance(event, SentenceReady | Done):
                time.sleep(self._pause)
            yield event


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(voices, "LIVE_AFTER", 0.05)
    monkeypatch.setattr(voices, "APPEND_EVERY", 0.1)
    monkeypatch.setattr(voices, "EDIT_EVERY", 0.3)


@pytest.fixture
def slow_bot(slack_bot, monkeypatch, quick):
    def start(faults=None):
        slack, people, bot = slack_bot(faults)
        answering = bot.work._handle.__self__
        answering.casebook = Slow(answering.casebook, 0.06)
        return slack, people, bot

    return start


def methods(slack):
    return [method for method, *_ in slack.calls if method.startswith("chat.")]


def test_a_slow_answer_is_streamed(slow_bot):
    slack, people, bot = slow_bot()
    asked = people.mention("C1", QUESTION)
    until(lambda: bot.state.counts() == {"done": 1})
    (answer,) = own(slack, "C1", asked["ts"])
    made = methods(slack)
    assert made[0] == "chat.startStream"
    assert made[-1] == "chat.stopStream"
    assert 1 <= made.count("chat.appendStream") <= 20
    assert answer["streaming"] is False
    assert answer["text"].startswith("**Most likely: ")
    assert "**Sources**" in answer["text"]
    assert "This fixed it" in text_of(answer)
    assert answer["metadata"]["event_payload"]["key"].endswith(asked["ts"])


def test_where_slack_does_not_stream_the_message_is_edited_at_a_bounded_rate(slow_bot):
    slack, people, bot = slow_bot(Faults(streams=False))
    asked = people.mention("C1", QUESTION)
    until(lambda: bot.state.counts() == {"done": 1})
    (answer,) = own(slack, "C1", asked["ts"])
    edits = [at for method, _, at in slack.calls if method == "chat.update"]
    assert methods(slack)[:2] == ["chat.startStream", "chat.postMessage"]
    assert len(edits) >= 2
    assert all(later - sooner >= 0.29 for sooner, later in pairwise(edits[:-1]))
    assert "Looking into it" not in text_of(answer)
    people.mention("C1", QUESTION)
    until(lambda: bot.state.counts() == {"done": 2})
    assert methods(slack).count("chat.startStream") == 1  # it is asked for once


def test_a_connection_that_breaks_in_mid_answer_costs_nothing(slow_bot):
    slack, people, bot = slow_bot(Faults(failed=0.1, lost=0.2, repeated=0.5, dropped=0.15))
    asked = [people.mention("C1", f"{QUESTION} {n}")["ts"] for n in range(3)]
    until(lambda: bot.state.counts() == {"done": 3}, 40)
    assert [len(own(slack, "C1", ts)) for ts in asked] == [1, 1, 1]
    assert not [m for m in own(slack, "C1") if m.get("streaming")]
    assert people.lost == []


# --- what a restart finds


@pytest.fixture
def stage(tmp_path):
    with FakeSlack() as slack:
        state = State(f"sqlite:///{tmp_path / 's.db'}")
        client = Client(BOT_TOKEN, slack.api, patience=3)
        asked = slack.add("C1", "U1", text="?")
        job = Job(
            key="m:1", kind="question", team="T0TEAM", channel="C1", user="U1", ts=asked["ts"], thread=asked["ts"]
        )
        state.accept(job, queue=9, user_hourly=9, channel_hourly=9)
        me = Me("T0TEAM", "U0BOT")

        def voice(progress: Progress | None = None) -> ThreadVoice:
            return ThreadVoice(client, state, me, job, progress or state.begin(job.key), Streams())

        yield slack, state, client, voice
        state.close()


def test_an_answer_posted_but_not_marked_is_found(stage):
    slack, state, client, voice = stage
    before = voice()
    mark = before._message(WHOLE, "x")
    state.note("m:1", stage="posting")
    client.call("chat.postMessage", channel="C1", thread_ts=before.job.thread, **mark)  # and then it is killed
    assert voice().finish(WHOLE, "x") == own(slack, "C1")[0]["ts"]
    assert len(own(slack, "C1")) == 1


def test_a_stream_that_was_begun_is_found_ended_and_completed(stage, quick):
    slack, state, client, voice = stage
    before = voice()
    state.note("m:1", stage="posting")
    client.call(
        "chat.startStream",
        channel="C1",
        thread_ts=before.job.thread,
        markdown_text="the beg",
        recipient_user_id="U1",
        recipient_team_id="T0TEAM",
    )
    assert voice().finish(WHOLE, "x") == own(slack, "C1")[0]["ts"]
    (answer,) = own(slack, "C1")
    assert (answer["streaming"], answer["blocks"]) == (False, WHOLE)


def test_nothing_posted_yet_is_posted(stage):
    slack, state, _, voice = stage
    voice()
    state.note("m:1", stage="posting")
    voice().finish(WHOLE, "x")
    assert len(own(slack, "C1")) == 1


def test_an_answer_that_was_deleted_meanwhile_is_posted_anew(stage):
    slack, _, client, voice = stage
    ts = voice().finish(WHOLE, "x")
    client.call("chat.delete", channel="C1", ts=ts)
    again = voice(Progress(2, "posting", ts=ts)).finish(WHOLE, "x")
    assert [m["ts"] for m in own(slack, "C1")] == [again]


def test_a_post_of_unknown_fate_is_looked_for_before_it_is_repeated(stage):
    slack, _, client, voice = stage
    slack.faults.lost = 1.0
    speaker = voice()
    with pytest.raises(Unsure):
        client.call("chat.postMessage", channel="C1", text="x")
    slack.messages["C1"].pop()
    real = client.call

    def losing_once(method, **arguments):
        slack.faults.lost = 1.0 if method == "chat.postMessage" else 0.0
        return real(method, **arguments)

    client.call = losing_once
    speaker.finish(WHOLE, "x")
    assert len(own(slack, "C1")) == 1


# --- calls


def test_retry_after_holds_back_every_later_call_of_the_method(stage):
    slack, _, client, _ = stage
    slack.faults.limited = 1.0
    with pytest.raises(Limited):
        client.call("chat.postMessage", wait=False, channel="C1", text="x")
    slack.faults.limited = 0.0
    with pytest.raises(Limited):
        client.call("chat.postMessage", wait=False, channel="C1", text="x")
    assert len(slack.calls) == 1  # the second was not even sent
    client.call("chat.postMessage", channel="C1", text="x")
    assert slack.calls[1][2] - slack.calls[0][2] >= 1.0
    assert slack.too_early == []


def test_refusals_name_the_scope(stage):
    slack, _, client, _ = stage
    slack.scopes.discard("chat:write")
    with pytest.raises(Refused, match=r"missing_scope \(needs chat:write\)"):
        client.call("chat.postMessage", channel="C1", text="x")


def test_stopping_ends_all_waiting(stage):
    _, _, client, _ = stage
    client.stop()
    with pytest.raises(Stopped):
        client.call("chat.postMessage", channel="C1", text="x")


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "https://slack.com.evil.example/x", "file:///etc/passwd", ""]
)
def test_answers_go_to_slacks_addresses_only(stage, url):
    _, _, client, _ = stage
    assert client.respond(url, {"text": "x"}) is False
