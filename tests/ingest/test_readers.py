"""Forums and pages as they are saved → threads and pages: told by content, code exact, roles and marks kept."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals import ingest_pages, ingest_threads
from evals.ingest_eval import stories
from ingest.blocks import blocks, sentences
from ingest.drafts import draft
from ingest.reading import format_of, read_source
from ingest.types import Draft, NoIncident, Page, Thread
from kb.errors import InputError

STORY = stories()["incidents"][0]
CODE = "def f():\n\tx  =  1\n\n        return x   # keep\n\\"


def thread(data: Any) -> Thread:
    raw = data if isinstance(data, str) else json.dumps(data)
    [item] = read_source(raw.encode(), "saved")
    assert isinstance(item, Thread)
    return item


@pytest.mark.parametrize("name", list(ingest_threads.LAYOUTS))
def test_every_forum_gives_title_posts_and_the_code_exactly(name: str) -> None:
    made, status = ingest_threads.made(name, {**STORY, "code": CODE.rstrip("\\\n")}, Random(3))
    [item] = read_source(made.raw, "saved.bin")
    assert isinstance(item, Thread)
    assert item.title == STORY["title"]
    assert CODE.rstrip("\\\n") in item.text
    assert all(item.text[p.start : p.end] == p.body for p in item.posts)
    assert item.posts[0].role == "reporter" or name == "github pull"
    one = draft(item)
    assert isinstance(one, Draft) and one.fix_status == status


@pytest.mark.parametrize("name", [n for n in ingest_pages.LAYOUTS if n != "pdf"])
def test_every_site_keeps_code_as_it_stands(name: str) -> None:
    made = ingest_pages.LAYOUTS[name]({**STORY, "code": CODE}, Random(3))
    [item] = read_source(made.raw, "saved")
    assert isinstance(item, Page)
    assert CODE in item.text


def issue(body: str, *comments: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"title": "Loss is nan", "body": body, "user": {"login": "ann"}, "number": 1, "state": "open"}
    return {"issue": head | more, "comments": list(comments)}


def comment(login: str, body: str, association: str = "NONE", **more: Any) -> dict[str, Any]:
    return {"user": {"login": login}, "body": body, "author_association": association} | more


def drafted(data: Any) -> Draft:
    one = draft(thread(data))
    assert isinstance(one, Draft)
    return one


def test_a_fix_is_confirmed_by_the_reporter_or_a_merged_change_only() -> None:
    report = "The loss becomes nan after ten steps."
    advice = comment("max", "Please set `bf16: true` in the config.", "MEMBER")
    assert drafted(issue(report, advice)).fix_status == "untested"
    assert drafted(issue(report, advice, comment("eve", "@max thanks, that works!"))).fix_status == "reported"
    assert drafted(issue(report, advice, comment("ann", "Thanks, that works!"))).fix_status == "confirmed"
    refused = drafted(issue(report, advice, comment("ann", "I set it, but it still fails with the same error.")))
    assert refused.fix_status is None and "fix" not in refused.fields
    named = comment("max", "Fixed in https://github.com/acme/kit/pull/7, please upgrade.", "MEMBER")
    assert drafted(issue(report, named)).fix_status == "reported"
    pull = {"html_url": "https://github.com/acme/kit/pull/7", "pull_request": {"merged_at": "2025-01-01T00:00:00Z"}}
    event = {"event": "cross-referenced", "source": {"issue": pull}}
    assert drafted(issue(report, named) | {"timeline": [event]}).fix_status == "confirmed"


def test_thanks_without_a_fix_leave_the_fix_open() -> None:
    one = drafted(issue("The loss becomes nan.", comment("ann", "Solved, thanks!")))
    assert "fix" not in one.fields and {"text.fix", "fix_status"} <= set(one.open)


def test_a_confirmation_goes_to_the_post_that_it_names_or_quotes() -> None:
    one, two = comment("max", "Please set `bf16: true`."), comment("eve", "Please lower the learning rate to 1e-6.")
    assert "bf16" in drafted(issue("It is nan.", one, two, comment("ann", "@max that fixed it"))).value("fix")
    quote = "> Please set `bf16: true`.\n\nThat fixed it."
    assert "bf16" in drafted(issue("It is nan.", one, two, comment("ann", quote))).value("fix")
    assert "1e-6" in drafted(issue("It is nan.", one, two, comment("ann", "That fixed it."))).value("fix")


def test_bots_say_nothing() -> None:
    bot = {"user": {"login": "helper", "type": "Bot"}, "body": "Please set `bf16: true`, that fixes it."}
    assert "fix" not in drafted(issue("The loss becomes nan.", bot)).fields


def test_the_cause_is_never_better_than_suspected() -> None:
    told = comment("ann", "The root cause is an overflow. Setting bf16 fixed it.")
    assert drafted(issue("The loss becomes nan.", told)).cause_status == "suspected"


@pytest.mark.parametrize("story", stories()["requests"])
def test_requests_are_no_incidents(story: dict[str, Any]) -> None:
    assert isinstance(draft(thread(ingest_threads.rest(ingest_threads.request(story)))), NoIncident)


def test_a_rewrite_is_traced_to_the_thread_that_it_names() -> None:
    text = "# Loss 归零问题\n\n## 问题现象\n\n训练 loss 为 0,报错退出。\n\n## 解决方案\n\n升级版本。来源:https://github.com/acme/kit/issues/12\n"
    [item] = read_source(text.encode(), "page.md")
    one = draft(item)
    assert isinstance(one, Draft)
    assert one.origin.thread == "https://github.com/acme/kit/issues/12" and not one.origin.second_hand
    assert "sources: read https://github.com/acme/kit/issues/12 itself" in one.open


def test_comments_without_their_issue_say_what_to_do() -> None:
    with pytest.raises(InputError, match="put both into one file"):
        read_source(json.dumps([comment("ann", "x")]).encode(), "comments.json")


def test_formats_are_told_by_content() -> None:
    assert format_of(b'  {"a": "<p>x</p>"}', "x.html") == "json"
    assert format_of(b"<!DOCTYPE html><p>x", "x.txt") == "html"
    assert format_of(b"%PDF-1.4 ...", "x.html") == "pdf"
    assert format_of(b"# A\n\n## B\n\ntext", "x") == "markdown"
    assert format_of("标题\n文字".encode(), "x.json") == "text"


HOSTILE = {
    "entities": b'<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><html><p>&b;</p></html>',
    "nested lists": b"<html><ul><li>" * 3000,
    "many tags": b"<html><body>" + b"<b><i>x</b></i>" * 4_000,
    "attributes": b"<html><div " + b" ".join(b'a%d="%d"' % (i, i) for i in range(3_000)) + b">x</div>",
    "json in json": json.dumps({"title": "x" * 50_000, "body": None, "comments": [None, 1, {"body": {}}]}).encode(),
    "wrong types": b'{"title": "t", "body": ["a"], "user": 3, "labels": {"a": 1}, "comments": {"nodes": [3]}}',
    "long line": b"# t\n\n## Symptom\n\n" + b"error " * 200_000,
    "surrogates": b'{"title": "\\ud800", "body": "error \\udfff", "number": 1}',
    "slack": b'[{"ts": "x", "text": null, "type": "message", "reactions": [1], "thread_ts": []}, {"ts": 2, "text": 3}]',
    "regex": b"title\n\n" + b"a@a.a " * 30_000 + b"\n" + b"! " * 30_000,
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_sources_end_with_a_draft_a_reason_or_one_line(name: str) -> None:
    try:
        for item in read_source(HOSTILE[name], name):
            draft(item)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace"))))
def test_any_bytes_are_read_or_refused_in_one_line(raw: bytes) -> None:
    for prefix in (b"", b"<html><body><p>", b"# t\n\n## Fix\n\n", b'{"title": "t", "number": 1, "body": "'):
        try:
            for item in read_source(prefix + raw, "x"):
                draft(item)
        except InputError as error:
            assert str(error)


@given(st.text(max_size=200))
def test_blocks_and_sentences_are_slices_in_order(text: str) -> None:
    last = 0
    for block in blocks(text):
        assert block.start >= last and text[block.start : block.end] == block.text
        last = block.end
    assert all(text[p.start : p.end] == p.text for p in sentences(text, 0, len(text)))


def test_the_evaluation_meets_its_bars(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from evals.ingest_eval import main

    assert main(["--rounds", "1", "--threads", "0"]) == 0, capsys.readouterr().out


def test_a_saved_page_of_github_gives_the_thread_in_its_data() -> None:
    node = {"body": "Please set `bf16: true`.", "author": {"login": "max"}, "__typename": "IssueComment"}
    one = {
        "title": "Loss is nan",
        "body": "It is nan.",
        "author": {"login": "ann"},
        "url": "https://github.com/a/b/issues/3",
    }
    one |= {"frontTimelineItems": {"edges": [{"node": node}]}}
    data = {"payload": {"preloadedQueries": [{"result": {"data": {"repository": {"issue": one}}}}]}}
    script = f"<script type='application/json' data-target='react-app.embeddedData'>{json.dumps(data)}</script>"
    read = thread(f"<html><body>{script}</body></html>")
    assert (read.title, read.url, [p.author for p in read.posts]) == ("Loss is nan", one["url"], ["ann", "max"])


def test_a_saved_page_of_discourse_gives_its_posts() -> None:
    cell = (
        "<div class='crawler-post'><span class='creator'><span itemprop='name'>{}</span></span>"
        "<div class='post' itemprop='text'><p>{}</p><pre><code>a  =  1\n\tb</code></pre></div></div>"
    )
    posts = cell.format("ann", "The loss becomes nan.") + cell.format("max", "Please set bf16.")
    read = thread(
        f"<html><head><title>Loss is nan - Forum</title></head><body><h1>Loss is nan</h1>{posts}</body></html>"
    )
    assert read.title == "Loss is nan" and [p.author for p in read.posts] == ["ann", "max"]
    assert "```\na  =  1\n\tb\n```" in read.posts[1].body


def test_an_issue_without_its_comments_says_how_many_are_missing() -> None:
    alone = {"title": "Loss is nan", "body": "It fails with nan.", "number": 3, "user": {"login": "ann"}, "comments": 4}
    assert any("4 comments" in note for note in drafted(alone).notes)
