"""Conversations from the first message to feedback, against the fake Slack."""

import json
import time

import pytest
from fake_slack import BOT, BOT_ID, TEAM, Faults
from slack_people import own, text_of, until

LOG = """```
{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}
{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 8e-07, 'epoch': 0.02}
```"""
QUESTION = f"fine-tuning with axolotl, loss is 0 from the first step\n{LOG}"
OPEN = "loss is 0 and grad_norm is nan after a few hundred steps, before that the loss was fine"


def finished(bot, count=None):
    """Whether all that was accepted is done, and how much."""
    counts = bot.state.counts()
    return set(counts) == {"done"} and (count is None or counts["done"] == count)


def test_a_mention_is_answered_once_in_its_thread(slack_bot):
    slack, people, bot = slack_bot()
    message = people.mention("C1", QUESTION)
    until(lambda: finished(bot))
    (answer,) = own(slack, "C1", message["ts"])
    assert "label" in text_of(answer).lower()
    actions = {e["action_id"] for b in answer["blocks"] if b["type"] == "actions" for e in b["elements"]}
    assert {"fixed", "not_mine", "person"} <= actions
    assert max(slack.acks) < 3
    until(lambda: message.get("reactions") == [])  # the sign of work came and went
    assert [m for m, *_ in slack.calls if m.startswith("reactions")] == ["reactions.add", "reactions.remove"]


def test_the_answer_is_in_the_askers_language(slack_bot):
    slack, people, bot = slack_bot()
    message = people.say("D1", f"用 axolotl 微调，从第一步开始 loss 就是 0\n{LOG}")
    until(lambda: finished(bot))
    (answer,) = own(slack, "D1", message["ts"])
    assert "最可能的原因" in text_of(answer)
    assert "问题已解决" in text_of(answer)


def test_redeliveries_and_a_second_kind_of_event_cause_no_second_answer(slack_bot):
    slack, people, bot = slack_bot()
    message = slack.add("C1", "U1", text=f"<@{BOT}> {QUESTION}", team=TEAM)
    event = {**message, "type": "app_mention", "channel": "C1"}
    for _ in range(5):
        people.event(event, event_id="Ev1").result(10)
    people.event({**event, "type": "message", "channel_type": "channel"}).result(10)
    until(lambda: finished(bot, 1))
    assert len(own(slack, "C1")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B9"},
        {"subtype": "bot_message"},
        {"user": BOT, "bot_id": BOT_ID},
        {"subtype": "message_changed"},
        {"hidden": True},
        {"user_team": "T9OTHER"},
        {"user": "USLACKBOT"},
    ],
)
def test_bots_changes_and_foreigners_get_no_answer(slack_bot, change):
    slack, people, bot = slack_bot()
    event = {**slack.add("C1", "U1", text=f"<@{BOT}> {QUESTION}"), "type": "app_mention", "channel": "C1"}
    people.event(event | change).result(10)
    people.event(event, team="T9OTHER").result(10)
    assert bot.state.counts() == {}
    assert own(slack, "C1") == []


def test_it_is_quiet_unless_addressed(slack_bot):
    slack, people, bot = slack_bot()
    people.say("C1", QUESTION)
    people.say("C1", "loss is 0!", thread="1600000000.000001")
    time.sleep(0.5)
    assert bot.state.counts() == {}
    asked = people.mention("C1", QUESTION)
    until(lambda: finished(bot, 1))
    people.say("C1", "I had that too last week", user="U2", thread=asked["ts"])
    people.say("C1", "<@U2> what did you do?", thread=asked["ts"])
    people.say("C1", "thanks!", thread=asked["ts"])
    until(lambda: finished(bot, 2))  # the asker's thanks was read, and changed nothing
    assert len(own(slack, "C1")) == 1


def test_a_reply_of_the_asker_updates_the_case_and_is_answered_where_it_changes_something(slack_bot):
    slack, people, bot = slack_bot()
    asked = people.mention("C1", OPEN)
    until(lambda: finished(bot, 1))
    case = bot.state.talk(f"{TEAM}:C1:{asked['ts']}").case
    people.say("C1", f"here is more:\n{LOG}\nwe use axolotl with a custom dataset", thread=asked["ts"])
    until(lambda: finished(bot, 2))
    assert len(own(slack, "C1", asked["ts"])) == 2
    assert bot.state.talk(f"{TEAM}:C1:{asked['ts']}").case == case


def test_a_reply_that_arrives_before_its_question_is_not_lost(slack_bot):
    slack, people, bot = slack_bot()
    asked = slack.add("C1", "U1", text=f"<@{BOT}> {OPEN}", team=TEAM)
    people.say("C1", f"{LOG}\nwe use axolotl", thread=asked["ts"])
    time.sleep(0.5)
    people.event({**asked, "type": "app_mention", "channel": "C1"})
    until(lambda: finished(bot, 2))


def test_a_mention_in_a_thread_reads_what_was_said_before_and_its_files(slack_bot):
    slack, people, bot = slack_bot()
    root = people.say("C1", "our run is broken", user="U2")
    log = "".join(f"{{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': {n}e-07}}\n" for n in range(1, 9))
    people.say(
        "C1",
        "the log",
        user="U3",
        thread=root["ts"],
        files=[people.file("train.log", log.encode())],
        subtype="file_share",
    )
    people.mention("C1", "what is wrong? we use axolotl", user="U4", thread=root["ts"])
    until(lambda: finished(bot, 1))
    (answer,) = own(slack, "C1", root["ts"])
    assert "label" in text_of(answer).lower()
    picture = until(lambda: [m for m in slack.messages["C1"] if m["user"] == BOT and m.get("files")])
    content = slack.uploads[picture[0]["files"][0]["id"]]["content"]
    assert content.startswith(b"\x89PNG")


def test_files_that_are_not_read_are_named(slack_bot):
    slack, people, bot = slack_bot(file_mb=1)
    large = people.file("large.log", b"x" * (2 << 20))
    elsewhere = {**people.file("a.log", b"x"), "url_private_download": "https://evil.example/a.log"}
    redirected = people.file("elsewhere.log", b"x")
    binary = people.file("core.bin", b"\x7fELF" + bytes(1000))
    picture = {**people.file("screen.png", b"x"), "mimetype": "image/png"}
    files = [large, elsewhere, redirected, binary, picture]
    message = people.mention("C1", QUESTION, files=files, subtype="file_share")
    until(lambda: finished(bot))
    text = text_of(own(slack, "C1", message["ts"])[0])
    for name in ("large.log: larger than 1 MB", "a.log: not stored at Slack", "elsewhere.log: Slack does not let"):
        assert name in text
    assert "core.bin: not a text file" in text
    assert "screen.png: not a text file" in text


def test_the_slash_command_answers_privately_and_can_be_shared(slack_bot):
    slack, people, bot = slack_bot()
    reply = people.command(QUESTION).result(10)
    assert reply["text"] == "Looking into it …"
    answer = until(lambda: [r for r in slack.responses if "label" in text_of(r).lower()])[0]
    assert answer["response_type"] == "ephemeral"
    assert own(slack, "C1") == []
    for _ in range(2):  # a double press shares once
        people.press("C1", {**answer, "ts": "9.9"}, "share", private=True).result(10)
    shared = until(lambda: own(slack, "C1"))
    assert "<@U1> shared this answer" in text_of(shared[0])
    until(lambda: bot.state.talk(f"{TEAM}:C1:{shared[0]['ts']}"))
    people.mention("C1", "and now?", thread=shared[0]["ts"])
    until(lambda: own(slack, "C1", shared[0]["ts"]))
    assert people.command("help").result(10)["text"].startswith("Describe the failure")
    assert len([m for m in own(slack, "C1") if "thread_ts" not in m]) == 1


def test_the_shortcut_diagnoses_anybodys_message(slack_bot):
    slack, people, bot = slack_bot()
    alert = slack.add("C1", "", bot_id="B7", text="Run failed", attachments=[{"title": "train-7", "text": QUESTION}])
    people.shortcut("C1", alert, user="U5").result(10)
    until(lambda: finished(bot))
    assert "label" in text_of(own(slack, "C1", alert["ts"])[0]).lower()
    people.shortcut("C1", alert, user="U5").result(10)
    until(lambda: [e for e in slack.ephemeral if "answered this message already" in e["text"]])
    assert len(own(slack, "C1", alert["ts"])) == 1


def test_where_the_bot_is_no_member_only_the_asker_sees_the_answer(slack_bot):
    slack, people, bot = slack_bot()
    slack.absent.add("C8")
    message = slack.add("C8", "U2", text=QUESTION)
    people.shortcut("C8", message, user="U5").result(10)
    until(lambda: finished(bot))
    assert own(slack, "C8") == []
    assert "/invite @casebook" in text_of(slack.responses[-1])


def test_a_check_is_answered_with_a_button(slack_bot):
    slack, people, bot = slack_bot()
    asked = people.mention("C1", OPEN)
    until(lambda: finished(bot, 1))
    (first,) = own(slack, "C1", asked["ts"])
    actions = [e for b in first["blocks"] if b["type"] == "actions" for e in b["elements"]]
    button = next(e for e in actions if e["action_id"] == "check_yes")
    for _ in range(2):  # pressed twice, it counts once
        people.press("C1", {**first, "thread_ts": asked["ts"]}, "check_yes", user="U2").result(10)
    until(lambda: finished(bot, 2))
    assert len(own(slack, "C1", asked["ts"])) == 2
    until(lambda: "<@U2> answered Yes" in text_of(first))
    assert not [b for b in first["blocks"] if b["type"] == "actions"]
    second = own(slack, "C1", asked["ts"])[1]
    assert json.loads(button["value"])["check"] not in [
        json.loads(e["value"]).get("check") for b in second["blocks"] if b["type"] == "actions" for e in b["elements"]
    ]


def test_a_short_reply_answers_the_check_that_was_asked(slack_bot, casebook):
    slack, people, bot = slack_bot()
    asked = people.mention("C1", OPEN)
    until(lambda: finished(bot, 1))
    talk = bot.state.talk(f"{TEAM}:C1:{asked['ts']}")
    check = casebook.case(talk.case, owner=talk.owner).diagnosis.next_checks[0].id
    people.say("C1", "Yes.", thread=asked["ts"])
    until(lambda: finished(bot, 2))
    (given,) = casebook.case(talk.case, owner=talk.owner).turns[1].answers
    assert (given.check, given.value) == (check, "yes")
    assert len(own(slack, "C1", asked["ts"])) == 2


def test_feedback_goes_into_the_store(slack_bot, casebook):
    slack, people, bot = slack_bot()
    asked = people.mention("C1", QUESTION)
    until(lambda: finished(bot, 1))
    (answer,) = own(slack, "C1", asked["ts"])
    people.press("C1", answer, "fixed").result(10)
    until(lambda: "white_check_mark" in answer.get("reactions", []))
    people.press("C1", answer, "not_mine", user="U2").result(10)
    view = until(lambda: slack.views)[0]
    people.submit(
        view, {"reason": "other_cause", "note": {"text": "key sk-proj-abcdefghijklmnop1234567890ABCDEF"}}
    ).result(10)
    talk = bot.state.talk(f"{TEAM}:C1:{asked['ts']}")
    saved = casebook.case(talk.case, owner=talk.owner)
    assert [f.outcome for f in saved.feedback] == ["not_mine"]  # the later word on the same incident
    assert saved.feedback[0].note.startswith("other_cause: key <")
    assert len([e for e in until(lambda: slack.ephemeral) if e["text"] == "Thank you, noted."]) >= 1


def test_where_several_causes_are_open_it_asks_which(slack_bot, casebook):
    slack, people, bot = slack_bot()
    asked = people.mention("C1", OPEN)
    until(lambda: finished(bot, 1))
    talk = bot.state.talk(f"{TEAM}:C1:{asked['ts']}")
    diagnosis = casebook.case(talk.case, owner=talk.owner).diagnosis
    assert diagnosis.verdict == "ambiguous"
    people.press("C1", own(slack, "C1", asked["ts"])[0], "fixed").result(10)
    wanted = diagnosis.causes[1].incident
    people.submit(until(lambda: slack.views)[0], {"which": wanted}).result(10)
    (said,) = casebook.case(talk.case, owner=talk.owner).feedback
    assert (said.outcome, said.incident) == ("fixed", wanted)


def test_i_need_a_person_pings_them_with_a_summary(slack_bot):
    slack, people, bot = slack_bot(people="U77,S88")
    asked = people.mention("C1", QUESTION)
    until(lambda: finished(bot, 1))
    (answer,) = own(slack, "C1", asked["ts"])
    people.press("C1", answer, "person").result(10)
    people.press("C1", answer, "person").result(10)
    until(lambda: finished(bot, 2))
    call = text_of(own(slack, "C1", asked["ts"])[1])
    assert "<@U77>, <!subteam^S88>: <@U1> asks for help." in call
    assert "Most likely" in call


def test_secrets_are_redacted_and_their_owner_is_told_privately(slack_bot, casebook):
    slack, people, bot = slack_bot()
    key = "sk-proj-abcdefghijklmnop1234567890ABCDEF"
    log = people.file("env.log", f"OPENAI_API_KEY={key}\n{LOG}".encode())
    asked = people.mention("C1", f"{QUESTION}\nOPENAI_API_KEY={key}", user="U6", files=[log], subtype="file_share")
    until(lambda: finished(bot, 1))
    told = until(lambda: slack.ephemeral)[0]
    assert (told["user"], told["channel"], told["thread_ts"]) == ("U6", "C1", asked["ts"])
    assert "2 secret(s)" in told["text"]
    talk = bot.state.talk(f"{TEAM}:C1:{asked['ts']}")
    assert key not in casebook.case(talk.case, owner=talk.owner).model_dump_json()
    assert key not in json.dumps(own(slack, "C1"))


def test_limits_and_the_allow_list_are_told_privately(slack_bot):
    slack, people, bot = slack_bot(user_hourly=2, channels="C1")
    for number in range(3):
        people.mention("C1", f"{QUESTION} {number}").get("ts")
    people.mention("C2", QUESTION)
    until(lambda: len(slack.ephemeral) >= 2)
    until(lambda: finished(bot, 2))
    assert {e["text"][:40] for e in slack.ephemeral} == {
        "You have asked 2 questions within an hou",
        "I am not switched on in this channel.",
    }
    assert own(slack, "C2") == []


def test_the_queue_has_a_bound(slack_bot):
    slack, people, bot = slack_bot(queue=1)
    slack.faults.limited, slack.faults.retry_after = 1.0, 1  # nothing can be posted for a while
    first = people.mention("C1", QUESTION)
    until(lambda: bot.state.counts())
    assert people.command("another").result(10)["text"].startswith("I have too much to do")
    slack.faults.limited = 0.0
    until(lambda: finished(bot, 1), 30)
    assert len(own(slack, "C1", first["ts"])) == 1
    assert slack.too_early == []


def test_an_empty_mention_gets_help(slack_bot):
    slack, people, bot = slack_bot()
    people.mention("C1", "")
    until(lambda: finished(bot, 1))
    assert "attach the log file" in text_of(own(slack, "C1")[0])


def test_hostile_text_pings_nobody(slack_bot):
    slack, people, bot = slack_bot()
    people.mention("C1", f"{OPEN} &lt;!channel&gt; @here RuntimeError: &lt;!everyone&gt; {'x' * 50_000}")
    until(lambda: finished(bot, 1))
    said = text_of(own(slack, "C1")[0])
    assert "<!" not in said
    assert "x" * 1000 not in said


def test_streams_end_where_slack_knows_none(slack_bot):
    slack, people, bot = slack_bot(Faults(streams=False))
    people.mention("C1", QUESTION)
    until(lambda: finished(bot, 1))
    assert len(own(slack, "C1")) == 1
