# ruff: noqa: E501 - the markup of sites reads best as it is written
"""Thread layouts rebuilt with our own text: a report, noise, a wrong advice, the right one, a confirmation."""

import html
import json
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from evals.ingest_pages import Made, Story

_WORDS: dict[str, dict[str, list[str]]] = {
    "en": {
        "same": ["Same issue here.", "+1", "I have the same problem, did you solve it?"],
        "wrong": ["Could you try a smaller batch size?", "Please update your driver to the latest version."],
        "no": ["I did that, but it still fails with the same error.", "That does not help, same problem."],
        "yes": ["@{who} Thanks, that works!", "That fixed it, thank you.", "It works now, thanks a lot."],
        "own": ["I found it.", "Solved it in the meantime."],
        "close": ["Closing as resolved.", "Glad to hear."],
    },
    "zh": {
        "same": ["同问,楼主解决了吗?", "+1", "我也遇到了同样的问题"],
        "wrong": ["请把驱动更新到最新版本试试。", "建议调小批次大小。"],
        "no": ["试过了,还是报同样的错误。", "没有用,还是一样。"],
        "yes": ["@{who} 可以了,谢谢!", "感谢,问题已解决。", "好了,非常感谢"],
        "own": ["找到了。", "已经解决了。"],
        "close": ["关闭此问题。", "不客气。"],
    },
}


class Said(NamedTuple):
    """A post before it is put into a forum's format."""

    author: str
    text: str
    association: str = "NONE"
    accepted: bool = False
    likes: int = 0


class Talk(NamedTuple):
    """A thread before it is put into a forum's format."""

    title: str
    posts: list[Said]
    truth: dict[str, list[str]]
    status: str | None


def refusals(lang: str) -> list[str]:
    """What reporters answer to advice that did not help."""
    return _WORDS[lang]["no"]


def talk(story: Story, rng: Random, code: str = "```\n{}\n```", accept: bool = False, form: bool = True) -> Talk:
    """A thread: either the reporter confirms somebody's advice, or tells what helped."""
    words = {key: rng.choice(values) for key, values in _WORDS[story["lang"]].items()}
    head = f"### Describe the bug\n\n{story['symptom']}" if form else story["symptom"]
    tail = f"\n\n### Environment\n\n{story['setting']}\n" if form else f"\n\n{story['setting']}"
    opening = f"{head}\n\n{code.format(story['log'])}\n\n{story['tried']}{tail}"
    posts = [
        Said("alice", opening),
        Said("dave", words["same"]),
        Said("bob", words["wrong"]),
        Said("alice", words["no"]),
    ]
    if accept or rng.random() < 0.6:
        answer = f"{story['cause']}\n\n{story['advice']}\n\n{code.format(story['code'])}"
        posts.append(Said("carol", answer, "MEMBER", accept, 5))
        posts.append(Said("alice", words["yes"].format(who="carol")))
        fix = [story["advice"], story["code"]]
    else:
        posts.append(Said("alice", f"{words['own']} {story['cause']} {story['fix']}\n\n{code.format(story['code'])}"))
        fix = [story["fix"], story["code"]]
    posts.append(Said("bob", words["close"], "MEMBER"))
    truth = {
        "title": [story["title"]],
        "symptom": [story["symptom"], story["log"]],
        "cause": [story["cause"]],
        "fix": fix,
    }
    return Talk(story["title"], posts, truth, "confirmed")


def request(story: Story) -> Talk:
    """A thread in which nothing failed."""
    return Talk(story["title"], [Said("alice", story["body"]), Said("bob", story["answer"], "MEMBER")], {}, None)


def _user(post: Said) -> dict[str, Any]:
    return {"login": post.author, "type": "User"}


def _date(number: int) -> str:
    return f"2025-01-{number + 1:02d}T08:00:00Z"


def rest(t: Talk) -> Any:
    """GitHub's REST answers: the issue and its comments in one object."""
    url = "https://api.github.com/repos/acme/kit/issues/12"

    def part(i: int, p: Said) -> dict[str, Any]:
        return {"user": _user(p), "body": p.text, "created_at": _date(i), "author_association": p.association,
                "reactions": {"url": url, "total_count": p.likes, "+1": p.likes}, "id": 100 + i}  # fmt: skip

    issue = part(0, t.posts[0]) | {"url": url, "html_url": "https://github.com/acme/kit/issues/12", "number": 12, "title": t.title,
                                   "state": "closed", "labels": [{"name": "bug"}] if t.truth else [], "comments": len(t.posts) - 1}  # fmt: skip
    return {"issue": issue, "comments": [part(i, p) | {"issue_url": url} for i, p in enumerate(t.posts[1:], 1)]}


def rest_list(t: Talk) -> Any:
    """The same as one array: the issue first, then the comments."""
    both = rest(t)
    return [both["issue"], *both["comments"]]


def gh_json(t: Talk) -> Any:
    """`gh issue view --json`."""

    def part(i: int, p: Said) -> dict[str, Any]:
        return {"author": {"login": p.author}, "body": p.text, "createdAt": _date(i), "authorAssociation": p.association,
                "reactionGroups": [{"content": "THUMBS_UP", "users": {"totalCount": p.likes}}] if p.likes else [], "id": f"C{i}"}  # fmt: skip

    return part(0, t.posts[0]) | {"title": t.title, "number": 12, "state": "CLOSED", "url": "https://github.com/acme/kit/issues/12",
                                  "labels": [], "comments": [part(i, p) for i, p in enumerate(t.posts[1:], 1)]}  # fmt: skip


def graphql(t: Talk) -> Any:
    """A GraphQL answer: a discussion, its comments as nodes, one of them the answer."""
    nodes = [{"author": {"login": p.author}, "body": p.text, "createdAt": _date(i), "authorAssociation": p.association, "isAnswer": p.accepted,
              "upvoteCount": p.likes, "id": f"D{i}", "replies": {"nodes": []}} for i, p in enumerate(t.posts) if i]  # fmt: skip
    head = {"title": t.title, "body": t.posts[0].text, "author": {"login": t.posts[0].author}, "createdAt": _date(0), "url": "https://github.com/acme/kit/discussions/9",
            "comments": {"nodes": nodes}, "category": {"name": "Q&A"} if t.truth else None}  # fmt: skip
    return {"data": {"repository": {"discussion": head}}}


def discourse(t: Talk) -> Any:
    """A Discourse topic with cooked posts."""
    posts = [{"username": p.author, "cooked": _cooked(p.text), "created_at": _date(i), "post_number": i + 1, "post_type": 1, "accepted_answer": p.accepted,
              "actions_summary": [{"id": 2, "count": p.likes}] if p.likes else [], "staff": p.association == "MEMBER"} for i, p in enumerate(t.posts)]  # fmt: skip
    return {"id": 5, "title": t.title, "tags": ["help"], "closed": False, "post_stream": {"posts": posts}}


def _cooked(text: str) -> str:
    """Markdown of our posts → the HTML that a forum shows."""
    out = []
    for i, part in enumerate(text.split("```")):
        if i % 2:
            out.append(f"<pre><code class='lang-auto'>{html.escape(part.strip(chr(10)))}\n</code></pre>")
        else:
            rows = [row.strip() for row in part.split("\n\n") if row.strip()]
            out += [f"<h3>{row[4:]}</h3>" if row.startswith("### ") else f"<p>{html.escape(row)}</p>" for row in rows]
    return "\n".join(out)


def stackexchange(t: Talk) -> Any:
    """The answer of the Stack Exchange API."""
    answers = [{"answer_id": i, "question_id": 7, "owner": {"display_name": p.author}, "body": _cooked(p.text), "is_accepted": p.accepted,
                "score": p.likes, "creation_date": 1735700000 + i} for i, p in enumerate(t.posts) if i and (p.accepted or i == 2)]  # fmt: skip
    comments = [{"comment_id": i, "owner": {"display_name": p.author}, "body": p.text, "score": 0, "creation_date": 1735700000 + i}
                for i, p in enumerate(t.posts) if i in (1, 3)]  # fmt: skip
    question = {"question_id": 7, "title": html.escape(t.title), "body": _cooked(t.posts[0].text), "owner": {"display_name": "alice"}, "tags": ["pytorch"],
                "answers": answers, "comments": comments, "link": "https://stackoverflow.com/questions/7/x", "creation_date": 1735700000}  # fmt: skip
    return {"items": [question], "has_more": False, "quota_remaining": 299}


def slack(t: Talk) -> Any:
    """A day of a channel: two lines of other talk, and the thread."""
    ids = {name: f"U0{i}" for i, name in enumerate(dict.fromkeys(p.author for p in t.posts))}
    start = 1735700000
    thread = []
    for i, p in enumerate(t.posts):
        text = t.title + "\n" + p.text if i == 0 else p.text
        for name, key in ids.items():
            text = text.replace(f"@{name}", f"<@{key}>")
        text = text.replace("&", "&amp;").replace("<rank", "&lt;rank")
        thread.append({"type": "message", "user": ids[p.author], "text": text, "ts": f"{start + i}.000100", "thread_ts": f"{start}.000100",
                       "user_profile": {"display_name": p.author}, "reactions": [{"name": "white_check_mark", "count": p.likes, "users": []}] if p.likes else []})  # fmt: skip
    other = [{"type": "message", "user": "U09", "text": "lunch?", "ts": f"{start - 50}.0001"},
             {"type": "message", "subtype": "channel_join", "user": "U08", "text": "<@U08> has joined", "ts": f"{start - 40}.0001"}]  # fmt: skip
    return [*other, *thread]


def gh_text(t: Talk) -> str:
    """`gh issue view --comments`, not in a terminal."""
    rows = [
        f"title:\t{t.title}\nstate:\tCLOSED\nauthor:\talice\nlabels:\t{'bug' if t.truth else ''}\ncomments:\t{len(t.posts) - 1}\nassignees:\t\nprojects:\t\nmilestone:\t\nnumber:\t12\n--\n{t.posts[0].text}"
    ]
    rows += [
        f"author:\t{p.author}\nassociation:\t{p.association.lower()}\nedited:\tfalse\nstatus:\tnone\n--\n{p.text}\n--"
        for p in t.posts[1:]
    ]
    return "\n".join(rows) + "\n"


def printed(t: Talk) -> str:
    """Posts under lines with author and date."""
    rows = [f"acme/kit · issue #12 · closed · Python\n# {t.title}"]
    rows += [
        f"{p.author} · {'comment' if i else 'description'} · 2025-01-{i + 1:02d}\n{p.text}"
        for i, p in enumerate(t.posts)
    ]
    return "\n\n".join(rows) + "\n"


def stackoverflow_page(t: Talk) -> str:
    """A question's page: votes, signatures, comments, the list of hot questions."""

    def cell(p: Said, css: str) -> str:
        mark = "<div class='js-accepted-answer-indicator'>✓</div>" if p.accepted else ""
        return (f"<div class='{css}' data-score='{p.likes}'><div class='js-vote-count' data-value='{p.likes}'>{p.likes}</div>{mark}"
                f"<div class='s-prose js-post-body'>{_cooked(p.text)}</div><div class='post-signature'><div class='user-details' itemprop='author'><a>{p.author}</a></div></div></div>")  # fmt: skip

    answers = "".join(
        cell(p, "answer accepted-answer" if p.accepted else "answer")
        for i, p in enumerate(t.posts)
        if i and (p.accepted or i == 2)
    )
    return (f"<!DOCTYPE html><html><head><title>pytorch - {html.escape(t.title)} - Stack Overflow</title></head><body><div id='question-header'><h1><a>{html.escape(t.title)}</a></h1></div>"
            f"<div id='question' class='question'>{cell(t.posts[0], 'post-layout')}</div><div id='answers'>{answers}</div>"
            "<div id='hot-network-questions'><h4>Hot Network Questions</h4><ul><li>Why is the sky blue</li></ul></div></body></html>")  # fmt: skip


def pull(story: Story, rng: Random) -> Talk:
    """A merged change that tells what was wrong."""
    body = f"## Problem\n\n{story['symptom']}\n\n```\n{story['log']}\n```\n\n## Cause\n\n{story['cause']}\n\n## Fix\n\n{story['fix']}\n\n```\n{story['code']}\n```"
    truth = {
        "title": [story["title"]],
        "symptom": [story["symptom"], story["log"]],
        "cause": [story["cause"]],
        "fix": [story["fix"], story["code"]],
    }
    return Talk(story["title"], [Said("carol", body, "MEMBER"), Said("bob", "LGTM", "MEMBER")], truth, "confirmed")


def pull_json(t: Talk) -> Any:
    """A pull request's REST answer with its comments."""
    both = rest(t)
    issue = both["issue"] | {"html_url": "https://github.com/acme/kit/pull/12", "url": "https://api.github.com/repos/acme/kit/pulls/12",
                             "merged": True, "merged_at": _date(9), "labels": []}  # fmt: skip
    return {"pull_request": issue, "comments": both["comments"]}


class Layout(NamedTuple):
    """How a talk is written down, and what its forum has: code marks, an accepted answer, a form."""

    write: Callable[[Talk], Any]
    suffix: str = "json"
    accept: bool = False
    form: bool = True


LAYOUTS: dict[str, Layout] = {
    "github rest": Layout(rest), "github array": Layout(rest_list), "gh json": Layout(gh_json), "github graphql": Layout(graphql, accept=True),
    "github pull": Layout(pull_json), "gh text": Layout(gh_text, "txt"), "printed": Layout(printed, "txt"),
    "discourse": Layout(discourse, form=False, accept=True), "stackexchange": Layout(stackexchange, form=False, accept=True),
    "stackoverflow page": Layout(stackoverflow_page, "html", form=False, accept=True), "slack": Layout(slack, form=False),
}  # fmt: skip


def made(name: str, story: Story, rng: Random) -> tuple[Made, str | None]:
    """One thread in one layout, and the status that its fix must have."""
    layout = LAYOUTS[name]
    if "answer" in story:
        t = request(story)
    else:
        t = pull(story, rng) if name == "github pull" else talk(story, rng, accept=layout.accept, form=layout.form)
    written = layout.write(t)
    text = written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
    return Made(
        f"{name.replace(' ', '-')}.{layout.suffix}",
        text.encode(),
        t.truth,
        ("Hot Network Questions", "sky blue", "lunch?"),
    ), t.status
