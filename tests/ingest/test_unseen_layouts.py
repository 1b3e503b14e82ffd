# ruff: noqa: E501 - the markup of sites reads best as it is written
"""Forums, mailing lists and wiki pages of several makes, each with our own small text: what is told, and only that."""

import pytest

from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft, NoIncident, Page, Thread

TITLE = "Loss goes to NaN after the resume"
SEEN = "After every resume the loss goes to NaN within ten steps."
NO = "Lower the learning rate."
TRIED = "A lower rate changes nothing."
WHY = "The optimizer state is cast to fp16 when it is saved, so the second moments underflow."
HOW = "Keep the state in fp32 with `save_fp32=True`."
YES = "That was it, runs stable for two days now."
POSTS = (("ann", SEEN), ("bob", NO), ("ann", TRIED), ("cid", f"{WHY} {HOW}"), ("ann", YES))
HEAD = (
    f"<!DOCTYPE html><html><head><title>{TITLE} | Rack Talk</title></head><body><nav><a href='/'>Home</a> Members</nav>"
)
FOOT = "<footer>Powered by BoardWare</footer></body></html>"


def board(post: str, head: str = f"<h1 class='topic'>{TITLE}</h1>") -> bytes:
    """A page with every post in a forum's markup."""
    cells = [
        post.format(who=who, text=text.replace("`", ""), n=n, date=f"2024-05-{n + 1:02d}")
        for n, (who, text) in enumerate(POSTS)
    ]
    return f"{HEAD}{head}<div id='posts'>{''.join(cells)}</div>{FOOT}".encode()


BOARDS = {
    "phpBB": "<div class='post bg1'><dl class='postprofile'><dt><a class='username' href='#'>{who}</a></dt></dl><div class='postbody'><p class='author'>by <a class='username'>{who}</a> » <time datetime='{date}T10:00:00'>x</time></p><div class='content'>{text}</div><div class='signature'>-- my rig</div></div></div>",
    "XenForo": "<article class='message message--post' data-author='{who}'><div class='message-user'><a class='username'>{who}</a><h5 class='userTitle'>Member</h5></div><div class='message-cell'><time datetime='{date}T09:00:00+0000'>x</time><div class='bbWrapper'>{text}</div></div></article>",
    "old Reddit": "<div class='thing comment'><div class='entry'><p class='tagline'><a class='author' href='/user/{who}'>{who}</a> <time datetime='{date}T09:00:00'>1 year ago</time></p><form class='usertext'></form><div class='usertext-body'><div class='md'><p>{text}</p></div></div></div></div>",
    "Hacker News": "<table><tr class='athing comtr'><td><div><span class='comhead'><a class='hnuser' href='user?id={who}'>{who}</a> <span class='age' title='{date}T10:00:00'><a>3 days ago</a></span></span></div><div class='comment'><div class='commtext c00'>{text}</div></div></td></tr></table>",
    "Discuz!": "<div id='post_{n}'><table><tr><td class='pls'><div class='authi'><a href='home.php?uid={n}'>{who}</a></div></td><td><div class='pti'><em id='authorposton{n}'>发表于 {date} 12:01</em></div><table><tr><td class='t_f'>{text}</td></tr></table></td></tr></table></div>",
    "SMF": "<div class='post_wrapper'><div class='poster'><h4><a href='index.php?action=profile;u={n}'>{who}</a></h4></div><div class='postarea'><div class='keyinfo'><div class='smalltext'>on: {date}, 10:00</div></div><div class='post'><div class='inner'>{text}</div></div></div></div>",
    "home-made": "<li class='entry'><span class='nickname'>{who}</span> <span class='date'>{date}</span><div class='post-content'><p>{text}</p></div></li>",
    "Discourse": "<div class='topic-post'><div class='names'><a class='username' data-user-card='{who}'>{who}</a></div><time datetime='{date}T10:00:00Z'></time><div class='cooked'><p>{text}</p></div></div>",
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_forum_page_is_read_as_a_thread(name: str) -> None:
    [item] = read_source(board(BOARDS[name]), "page.html")
    assert isinstance(item, Thread)
    assert [(p.author, p.body) for p in item.posts] == [(who, text.replace("`", "")) for who, text in POSTS]
    made = draft(item)
    assert isinstance(made, Draft)
    assert [made.value(f) for f in ("title", "symptom", "cause", "fix")] == [TITLE, SEEN, WHY, HOW.replace("`", "")]
    assert made.fix_status == "confirmed"


def test_an_article_with_comments_stays_a_page() -> None:
    comment = "<li class='comment'><span class='author'>{0}</span> <time datetime='2024-01-02T00:00:00'>x</time><div class='comment-body'>{1}</div></li>"
    article = f"<article><h1>{TITLE}</h1><h2>Symptom</h2><p>{SEEN}</p><h2>Cause</h2><p>{WHY * 3}</p><h2>Fix</h2><p>{HOW}</p></article>"
    raw = f"{HEAD}{article}<ol>{comment.format('x', 'Nice post.')}{comment.format('y', 'Use Adafactor instead.')}</ol>{FOOT}"
    [item] = read_source(raw.encode(), "page.html")
    assert isinstance(item, Page)
    made = draft(item)
    assert isinstance(made, Draft) and "Adafactor" not in str(made.fields) and made.value("fix") == HOW


MAIL = """{open}From: {who} <{who}@example.org>
Date: Mon, 0{n} Jan 2024 10:00:00 +0000
Subject: {re}[train] {title}
Message-ID: <{n}@example.org>

{text}

{name}
_______________________________________________
train mailing list
train@lists.example.org

"""


@pytest.mark.parametrize("opening", ["", "From ann at example.org  Mon Jan  1 10:00:00 2024\n"])
def test_a_mailing_list_is_read_as_a_thread(opening: str) -> None:
    mails = []
    for n, (who, text) in enumerate(POSTS, 1):
        quoted = f"On Sun, Dec 31, 2023 at 9:00 AM someone wrote:\n> {POSTS[n - 2][1]}\n\n{text}" if n > 1 else text
        mails.append(
            MAIL.format(open=opening, who=who, n=n, re="Re: " * (n > 1), title=TITLE, text=quoted, name=who.title())
        )
    [item] = read_source("".join(mails).encode(), "archive.txt")
    assert isinstance(item, Thread) and [p.author for p in item.posts] == [who for who, _ in POSTS]
    made = draft(item)
    assert isinstance(made, Draft)
    assert [made.value(f) for f in ("title", "symptom", "cause", "fix")] == [f"[train] {TITLE}", SEEN, WHY, HOW]
    assert "lists.example.org" not in str(made.fields) and "wrote" not in str(made.fields)


def parts(raw: str, name: str) -> list[str]:
    [item] = read_source(raw.encode(), name)
    made = draft(item)
    assert isinstance(made, Draft), made
    return [made.value(f) for f in ("symptom", "cause", "fix")]


PLAIN = HOW.replace("`", "")
WIKI = {
    "table rows": f"<table><tr><th>Owner</th><td>Jo</td></tr><tr><th>Symptom</th><td>{SEEN}</td></tr><tr><th>Root cause</th><td>{WHY}</td></tr><tr><th>Resolution</th><td>{PLAIN}</td></tr></table>",
    "definitions": f"<dl><dt>Symptom</dt><dd>{SEEN}</dd><dt>Root cause</dt><dd>{WHY}</dd><dt>Fix</dt><dd>{PLAIN}</dd></dl>",
    "panels": f"<div class='panel'><div class='panelHeader'>Symptom</div><div class='panelContent'><p>{SEEN}</p></div></div><div class='panel'><div class='panelHeader'>Root cause</div><div class='panelContent'><p>{WHY}</p></div></div><div class='panel'><div class='panelHeader'>Resolution</div><div class='panelContent'><p>{PLAIN}</p></div></div>",
    "labels": f"<p><b>Symptom:</b> {SEEN}</p><p><b>Root cause:</b> {WHY}</p><p><b>Fix:</b> {PLAIN}</p>",
    "a summary and actions": f"<h2>Summary</h2><p>{SEEN}</p><h2>Root cause</h2><p>{WHY}</p><h2>Corrective actions</h2><p>{PLAIN}</p>",
}


@pytest.mark.parametrize("name", WIKI)
def test_parts_of_a_wiki_page(name: str) -> None:
    raw = f"<!DOCTYPE html><html><head><title>Postmortem: {TITLE}</title></head><body><main><h1>Postmortem: {TITLE}</h1>{WIKI[name]}</main></body></html>"
    assert parts(raw, "wiki.html") == [SEEN, WHY, PLAIN]


MARKDOWN = {
    "a table": f"# Postmortem: {TITLE}\n\n| Item | Details |\n|---|---|\n| Owner | Jo |\n| **Symptom** | {SEEN} |\n| **Root cause** | {WHY} |\n| **Resolution** | {HOW} |\n",
    "labels": f"# Postmortem: {TITLE}\n\n**Symptom:** {SEEN}\n\n**Root cause:** {WHY}\n\n**Fix:** {HOW}\n",
    "list items": f"# Postmortem: {TITLE}\n\n- Symptom: {SEEN}\n- Root cause: {WHY}\n- Fix: {HOW}\n",
}


@pytest.mark.parametrize("name", MARKDOWN)
def test_parts_of_a_markdown_postmortem(name: str) -> None:
    assert parts(MARKDOWN[name], "pm.md") == [SEEN, WHY, HOW]


def test_an_investigation_ends_with_the_cause() -> None:
    raw = "# 多机训练卡死排查记\n\n## 现象\n\n任务启动后一直卡住,GPU 利用率为 0。\n\n## 定位\n\n先怀疑网络,带宽正常。\n\n```\nbarrier()\n```\n\n0 号进程还在做分词,其余进程停在 barrier 上等它,超过默认的 30 分钟就被杀掉了。\n\n## 处理\n\n把分词拆成离线脚本。\n"
    assert parts(raw, "blog.md")[1:] == [
        "0 号进程还在做分词,其余进程停在 barrier 上等它,超过默认的 30 分钟就被杀掉了。",
        "把分词拆成离线脚本。",
    ]


@pytest.mark.parametrize(
    "title", ["[Guide] NCCL on two nodes, from zero", "[train] [ANN] kit 1.4 released", "【公告】论坛维护"]
)
def test_a_thread_marked_as_a_guide_holds_no_incident(title: str) -> None:
    raw = board(BOARDS["XenForo"], f"<h1>{title}</h1>").replace(f"<title>{TITLE}".encode(), f"<title>{title}".encode())
    assert isinstance(draft(read_source(raw, "page.html")[0]), NoIncident)
