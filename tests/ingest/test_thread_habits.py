# ruff: noqa: E501 - a thread reads best with a post in a line
"""How people answer in threads: which comment gave the remedy, which sentence says why. All threads are invented."""

import json

import pytest

from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft

Said = tuple[str, str]  # who, what
OPENING = "Training on two nodes fails.\n\n```\nRuntimeError: NCCL error: unhandled system error\n```"


def drafted(*comments: Said, opening: str = OPENING, title: str = "Two-node run crashes at start") -> Draft:
    posts = [
        {"author": {"login": who}, "authorAssociation": "MEMBER" if who == "maint" else "NONE", "body": body}
        for who, body in comments
    ]
    issue = {"title": title, "body": opening, "author": {"login": "rep"}, "state": "CLOSED", "comments": posts}
    issue |= {"url": "https://github.com/acme/kit/issues/7", "number": 7, "labels": []}
    [item] = read_source(json.dumps(issue).encode(), "t.json")
    made = draft(item)
    assert isinstance(made, Draft)
    return made


WHY = "The container gets a /dev/shm of 64 MB and the transport needs more than that."
HOW = "Start it with `--shm-size=8g`."
CASES: dict[str, tuple[list[Said], str, str, str | None]] = {  # comments; cause, fix, status
    "an answer explains before it advises": (
        [("maint", f"{WHY} {HOW}"), ("rep", "Runs on both nodes now, thank you!")], WHY, HOW, "confirmed",
    ),
    "weak words confirm after an advice": (
        [("helper", f"{WHY}\n\n{HOW}"), ("rep", "That was it!! Training since yesterday without a hitch.")],
        WHY, HOW, "confirmed",
    ),
    "advice that was tried in vain stays out": (
        [("x", "Use a newer driver."), ("rep", "Driver 550 gives the identical error."), ("maint", f"{WHY} {HOW}"),
         ("rep", "@maint perfect, it trains.")], WHY, HOW, "confirmed",
    ),
    "a confirmation that was withdrawn": (
        [("x", "Set `NCCL_IB_DISABLE=1`."), ("rep", "That fixed it, thanks!"),
         ("rep", "Spoke too soon, it crashed again this morning."), ("maint", f"{WHY} {HOW}"),
         ("rep", "8g of shm and it is stable.")], WHY, HOW, "confirmed",
    ),
    "the reporter quotes the older of two answers": (
        [("a", HOW), ("b", "You could also try the gloo backend."), ("rep", "> Start it with `--shm-size=8g`.\n\nThis solved it.")],
        "", HOW, "confirmed",
    ),
    "the reporter repeats an option of the older answer": (
        [("a", f"{WHY} {HOW}"), ("b", "Maybe try gloo instead of nccl?"), ("rep", "With --shm-size=8g it works, closing.")],
        WHY, HOW, "confirmed",
    ),
    "a promise to test confirms nothing": (
        [("maint", f"{WHY} {HOW}"), ("rep", "Thanks! I will try that on Monday.")], WHY, HOW, "untested",
    ),
    "a question is no advice, a question that proposes is": (
        [("maint", "Which NCCL version is this?"), ("rep", "2.20.5"), ("maint", f"{WHY} Could you set `--shm-size=8g`?"),
         ("rep", "Did that, no crash since.")], WHY, "Could you set `--shm-size=8g`?", "confirmed",
    ),
    "the reporter finds out alone": (
        [("x", "Check the firewall."), ("rep", "The firewall is off. It still fails."),
         ("rep", "Found it. The second node had an older NCCL, so the handshake never finished. "
                 "I pinned both to 2.21.5 and it trains.")],
        "The second node had an older NCCL, so the handshake never finished.",
        "I pinned both to 2.21.5 and it trains.", "confirmed",
    ),
    "Chinese": (
        [("helper", "容器的 /dev/shm 默认只有 64 MB，不够 NCCL 用。启动时加上 --shm-size=8g。"), ("rep", "加了之后两台机器都正常了，谢谢")],
        "容器的 /dev/shm 默认只有 64 MB，不够 NCCL 用。", "启动时加上 --shm-size=8g。", "confirmed",
    ),
    "someone else confirms": (
        [("y", "Same here."), ("maint", f"{WHY} {HOW}"), ("y", "Works for me again with the bigger shm.")],
        WHY, HOW, "reported",
    ),
    "a maintainer closes with the change named before": (
        [("maint", f"{WHY} #812 raises the default. Until then, pass `--shm-size=8g`."), ("maint", "Closed by #812, now on main.")],
        WHY, "#812 raises the default. Until then, pass `--shm-size=8g`.", "reported",
    ),
    "nobody knows": ([("y", "+1"), ("rep", "Any update on this?")], "", "", None),
    "thanks to a question are no answer": (
        [("maint", "Can you share the full log?"), ("rep", "Thanks, I will upload it tomorrow.")], "", "", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_remedy_and_the_cause_of_a_thread(name: str) -> None:
    comments, cause, fix, status = CASES[name]
    made = drafted(*comments)
    assert (made.value("cause"), made.value("fix"), made.fix_status) == (cause, fix, status)


def test_a_failed_suggestion_is_not_in_the_fix() -> None:
    made = drafted(
        ("x", "Use mp."), ("rep", "mp is single node only, it errors out."), ("y", HOW), ("rep", "It serves now.")
    )
    assert made.value("fix") == HOW


def test_sentences_that_begin_small_are_sentences() -> None:
    made = drafted(
        ("maint", "Thanks for the report. torch 2.6 changed the default. Pin torch<2.6."), ("rep", "Pinned, works.")
    )
    assert made.value("cause") == "torch 2.6 changed the default."
    assert made.value("fix") == "Pin torch<2.6."


def test_one_sentence_may_hold_cause_and_remedy() -> None:
    both = "I believe that the last refactoring caused the issue, you need to explicitly pass `shm=8g` now."
    made = drafted(
        ("maint", f"Hi @rep\n{both} Can you double check this and report back here?"),
        ("rep", "Indeed, with shm set it is resolved."),
    )
    assert (made.value("cause"), made.value("fix")) == (both, both)


def test_an_advice_that_points_back_keeps_what_it_points_to() -> None:
    made = drafted(("x", "We run kit 0.7.2. You can try switching to this version."))
    assert made.value("fix") == "We run kit 0.7.2. You can try switching to this version."


def test_the_name_of_a_program_is_no_command() -> None:
    made = drafted(("x", "vllm was updated yesterday. Downgrade to 0.8.2."), ("y", "@x Thanks, that works."))
    assert (made.value("fix"), made.fix_status) == ("Downgrade to 0.8.2.", "reported")


def test_a_reply_that_points_back_confirms_the_advice() -> None:
    made = drafted(("x", "增大 num_workers"), ("rep", "该值设置为128后，时间从原来的4小时降到了10分钟。感谢！"))
    assert (made.value("fix"), made.fix_status) == ("增大 num_workers", "confirmed")


def test_the_reporter_closes_with_a_note_to_others() -> None:
    made = drafted(
        ("y", "Any solution?"), ("rep", "Find the wheel of your version among the releases and reinstall it.")
    )
    assert made.fix_status is None  # nothing in it begins as an advice: left to the curator
    made = drafted(("y", "Any solution?"), ("rep", "Reinstall the wheel that fits your version."))
    assert (made.value("fix"), made.fix_status) == ("Reinstall the wheel that fits your version.", "reported")


def test_several_may_be_addressed() -> None:
    made = drafted(("x", "@rep @y reinstall it from the wheel. Then try to run it."))
    assert made.value("fix").startswith("@rep @y reinstall it")


def test_maintenance_is_no_failure() -> None:
    from ingest.blocks import cue

    assert not cue("fails").search("Forum maintenance in our room")
