# ruff: noqa: E501 - the markup of sites reads best as it is written
"""Page layouts rebuilt with our own text: every site's furniture around a known article. Used by `python -m evals ingest`."""

import html
import zlib
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

Story = Mapping[str, Any]


class Made(NamedTuple):
    """A file, the texts that its draft must find by field, and what belongs to the site."""

    name: str
    raw: bytes
    truth: dict[str, list[str]]
    navigation: tuple[str, ...] = ()


_HEADINGS = {
    "en": [
        {"symptom": "Symptom", "tried": "What we tried", "cause": "Root cause", "fix": "Solution", "prevention": "Lessons learned"},
        {"symptom": "The problem", "tried": "Troubleshooting steps", "cause": "Cause", "fix": "How to fix it", "prevention": "Best practices"},
        {"symptom": "What happened", "tried": "What did not work", "cause": "Root cause analysis", "fix": "Resolution", "prevention": "Action items"},
    ],
    "zh": [
        {"symptom": "问题现象", "tried": "排查过程", "cause": "问题根源分析", "fix": "解决方案", "prevention": "经验总结"},
        {"symptom": "一、问题描述", "tried": "二、排查步骤", "cause": "三、原因分析", "fix": "四、解决办法", "prevention": "五、总结"},
        {"symptom": "故障现象", "tried": "尝试过的方法", "cause": "根本原因", "fix": "处理方法", "prevention": "预防措施"},
    ],
}  # fmt: skip
_SIDE = {
    "en": [
        "Trending this week",
        "Ten tools for data people",
        "Sign in to vote",
        "Acme cloud credits",
        "Weekly digest for engineers",
    ],
    "zh": ["热门项目推荐", "某云服务器限时优惠", "图像生成模型合集", "前端组件库一览", "本周开源榜单"],
}


def parts(story: Story, rng: Random) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Field, heading and content (kind, text) of an article, in order."""
    heads = rng.choice(_HEADINGS[story["lang"]])
    return [
        ("symptom", heads["symptom"], [("p", story["symptom"]), ("code", story["log"])]),
        ("tried", heads["tried"], [("p", story["tried"])]),
        ("cause", heads["cause"], [("p", story["cause"])]),
        ("fix", heads["fix"], [("p", story["fix"]), ("code", story["code"])]),
        ("prevention", heads["prevention"], [("p", story["prevention"])]),
    ]


def truth(story: Story) -> dict[str, list[str]]:
    """What the draft of a page must find."""
    return {
        "title": [story["title"]], "symptom": [story["symptom"], story["log"]],
        "cause": [story["cause"]], "fix": [story["fix"], story["code"]],
    }  # fmt: skip


def article_html(story: Story, rng: Random, code: str = "<pre><code>{}</code></pre>", level: int = 2) -> str:
    """The article as HTML; a how-to has headings and sentences in turn."""
    if "body" in story:
        blocks = "".join(
            f"<h{level}>{h}</h{level}><p>{p}</p>" for h, p in zip(story["headings"], story["body"], strict=True)
        )
        return blocks + code.format(html.escape(story["code"]))
    out = []
    for _, heading, content in parts(story, rng):
        out.append(f"<h{level}>{heading}</h{level}>")
        out += [f"<p>{html.escape(t)}</p>" if kind == "p" else code.format(html.escape(t)) for kind, t in content]
    return "\n".join(out)


def article_text(story: Story, rng: Random, mark: str, fence: bool) -> str:
    """The article as text, headings after `mark`, code fenced or bare."""
    if "body" in story:
        rows = [f"{mark}{h}\n{p}" for h, p in zip(story["headings"], story["body"], strict=True)]
        return "\n\n".join([*rows, f"```\n{story['code']}\n```" if fence else story["code"]])
    gap = "\n\n" if fence or mark else "\n"
    return gap.join(
        mark + heading + gap + gap.join(t if kind == "p" or not fence else f"```\n{t}\n```" for kind, t in content)
        for _, heading, content in parts(story, rng)
    )


def _page(title: str, body: str, head: str = "", lang: str = "en") -> bytes:
    page = f"<!DOCTYPE html><html lang='{lang}'><head><meta charset='utf-8'><title>{title}</title>{head}</head><body>{body}</body></html>"
    return page.encode()


def _links(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li><a href='/x{i}'>{t}</a></li>" for i, t in enumerate(items)) + "</ul>"


def _made(name: str, raw: bytes, story: Story, navigation: list[str]) -> Made:
    return Made(name, raw, {} if "body" in story else truth(story), tuple(navigation))


def gitcode_text(story: Story, rng: Random) -> Made:
    """A blog page saved as text: breadcrumb, byline, article without marks, wall, lists of projects."""
    side = _SIDE["zh"]
    text = f"首页\n/ {story['title']}\n{story['title']}\n2025-05-12 18:25:31作者:某作者Alex\n" + article_text(
        story, rng, "", False
    )
    text += "\n登录后查看全文\n热门项目推荐\n相关项目推荐\n" + "\n".join(
        f"{s}\n{s}的简介,支持多种格式。Python00" for s in side
    )
    return _made("gitcode.txt", text.encode(), story, ["登录后查看全文", *side])


def csdn(story: Story, rng: Random) -> Made:
    """A blog with toolbar, counts, labels, line numbers beside the code, recommended articles."""
    side = _SIDE["zh"]
    code = "<pre class='prettyprint'><code>{}</code><ul class='pre-numbering'><li>1</li><li>2</li></ul><div class='hljs-button' data-title='复制'></div></pre>"
    body = f"""<div id="toolbar" class="toolbar">{_links(["博客", "下载", "学习", "社区"])}</div><div class="main_father"><main>
<div class="blog-content-box"><div class="article-header-box"><h1 class="title-article">{story["title"]}</h1>
<div class="article-info-box"><span>最新推荐文章于 2025-01-01 发布</span><span class="read-count">阅读量1.2k</span><a class="tag-link">标签</a></div></div>
<article class="baidu_pl"><div id="article_content"><div id="content_views" class="markdown_views">{article_html(story, rng, code)}</div></div></article></div>
<div class="recommend-box">{_links(side)}</div><div class="comment-box"><p>评论 3</p><p>楼主写得很好,学习了</p></div></main></div>
<aside class="blog_container_aside">{_links(side)}</aside>"""
    return _made(
        "csdn.html",
        _page(f"{story['title']}-CSDN博客", body, lang="zh"),
        story,
        [*side, "楼主写得很好", "阅读量", "最新推荐文章"],
    )


def zhihu(story: Story, rng: Random) -> Made:
    """A column post: app header, author, article, approval bar, comments."""
    body = f"""<div id="root"><header class="AppHeader"><nav>{_links(["首页", "知学堂", "会员"])}</nav></header>
<article class="Post-Main"><header class="Post-Header"><h1 class="Post-Title">{story["title"]}</h1><div class="Post-Author">某作者 · 关注</div></header>
<div class="Post-RichTextContainer"><div class="RichText ztext Post-RichText">{article_html(story, rng, '<div class="highlight"><pre><code>{}</code></pre></div>')}</div></div>
<div class="ContentItem-time">编辑于 2025-03-03 · 著作权归作者所有</div><div class="ContentItem-actions">赞同 128 添加评论 分享</div></article>
<div class="Recommendations-Main"><h3>推荐阅读</h3>{_links(_SIDE["zh"])}</div></div>"""
    return _made(
        "zhihu.html",
        _page(f"{story['title']} - 知乎", body, lang="zh"),
        story,
        [*_SIDE["zh"], "赞同 128", "编辑于", "知学堂"],
    )


def medium(story: Story, rng: Random) -> Made:
    """A story with claps, minutes to read, and more from the author."""
    code = "<pre class='ab cd'><span class='ef'>{}</span></pre>"
    article = article_html(story, rng, code).replace("\n", "\n")
    body = f"""<div><a href="/">Open in app</a><a href="/in">Sign in</a></div><article><div><section><div><h1>{story["title"]}</h1>
<div><a href="/@a">A. Writer</a><p>Follow</p><span>4 min read</span><span>·</span><span>Mar 3, 2025</span></div>{article}</div></section></div></article>
<div class="pw-clap">118</div><h2>Written by A. Writer</h2><p>Follow</p><h2>More from A. Writer</h2>{_links(_SIDE["en"])}<h2>Recommended from Medium</h2>{_links(_SIDE["en"])}"""
    head = f"<meta property='og:title' content='{html.escape(story['title'], quote=True)}'>"
    return _made(
        "medium.html",
        _page(f"{story['title']} | by A. Writer | Mar, 2025 | Medium", body, head),
        story,
        [*_SIDE["en"], "Open in app", "4 min read"],
    )


def docs(story: Story, rng: Random) -> Made:
    """A documentation page: search, tree of contents, permalinks, previous and next."""
    article = article_html(
        story,
        rng,
        "<div class='highlight-default notranslate'><div class='highlight'><pre><span></span>{}</pre></div></div>",
    )
    article = article.replace("</h2>", "<a class='headerlink' href='#x'>¶</a></h2>")
    body = f"""<div class="wy-nav-side"><nav class="wy-nav">{_links(["Quickstart", "Reference", *_SIDE["en"]])}</nav></div>
<section class="wy-nav-content-wrap"><div class="rst-content"><div role="navigation" aria-label="Page navigation"><ul class="wy-breadcrumbs"><li><a>Home</a></li><li><a>View page source</a></li></ul></div>
<div role="main" class="document" itemscope><div itemprop="articleBody"><section><h1>{story["title"]}<a class="headerlink" href="#t">¶</a></h1>{article}</section></div></div>
<footer><div class="rst-footer-buttons"><a>Previous</a><a>Next</a></div><p>© Copyright 2025, Acme.</p></footer></div></section>"""
    return _made(
        "docs.html",
        _page(f"{story['title']} — Acme 1.2 documentation", body),
        story,
        [*_SIDE["en"], "View page source", "© Copyright", "Quickstart"],
    )


def unknown_blog(story: Story, rng: Random) -> Made:
    """A blog whose classes say nothing: only the extraction library can tell the article."""
    body = f"""<div class="x1"><div class="x2"><a href="/">Acme</a> <a href="/a">Products</a> <a href="/b">Company</a></div>
<div class="x3"><div class="x4"><h1>{story["title"]}</h1><p class="x5"><span>2025-02-03</span></p>{article_html(story, rng)}</div></div>
<div class="x6"><h4>{"Related articles" if story["lang"] == "en" else "相关文章"}</h4>{_links(_SIDE[story["lang"]])}</div>
<div class="x7"><p>{"Copyright 2025 Acme. All rights reserved." if story["lang"] == "en" else "版权所有 2025 某公司"}</p></div></div>"""
    return _made(
        "blog.html", _page(story["title"], body, lang=story["lang"]), story, [*_SIDE[story["lang"]], "Products"]
    )


def gutter_blog(story: Story, rng: Random) -> Made:
    """A static blog that prints code as a table with line numbers."""
    code = "<figure class='highlight'><table><tr><td class='gutter'><pre><span class='line'>1</span><br><span class='line'>2</span></pre></td><td class='code'><pre>{}</pre></td></tr></table></figure>"
    body = f"""<header id="header"><nav class="menu">{_links(["Home", "Archives", "Tags"])}</nav></header><main><div class="post-block"><header class="post-header"><h1 class="post-title">{story["title"]}</h1></header>
<div class="post-body" itemprop="articleBody">{article_html(story, rng, code, 3)}</div><footer class="post-footer"><div class="post-nav"><a>{_SIDE["en"][0]}</a></div></footer></div></main><div class="sidebar">{_links(_SIDE["en"])}</div>"""
    return _made(
        "hexo.html", _page(f"{story['title']} | Notes", body, lang=story["lang"]), story, [*_SIDE["en"], "Archives"]
    )


def markdown(story: Story, rng: Random) -> Made:
    """A postmortem in Markdown with front matter."""
    text = (
        f"---\ntitle: {story['title']}\ndate: 2025-04-01\nauthor: on-call\n---\n\n# {story['title']}\n\n"
        + article_text(story, rng, "## ", True)
    )
    return _made("postmortem.md", text.encode(), story, [])


def plain_text(story: Story, rng: Random) -> Made:
    """An internal note as plain text, headings with a colon."""
    text = f"{story['title']}\n\n" + article_text(story, rng, "", False).replace("\n", "\n")
    return _made("note.txt", text.encode(), story, [])


def pdf(story: Story, rng: Random) -> Made:
    """A postmortem as PDF with a running head and page numbers."""
    rows = [story["title"], "", *article_text(story, rng, "", False).split("\n")]
    rows = [piece for row in rows for piece in _wrapped(row)]
    return _made("postmortem.pdf", _pdf(rows), story, ["Acme internal", "Page 1"])


def _wrapped(row: str, width: int = 100) -> list[str]:
    return [row[i : i + width] for i in range(0, len(row), width)] or [""]


def _pdf(rows: list[str]) -> bytes:
    """A small PDF in Helvetica, 8 lines a page."""
    pages = [rows[i : i + 8] for i in range(0, len(rows), 8)]
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for number, page in enumerate(pages, 1):
        shown = ["Acme internal", *page, f"Page {number}"]
        ops = "BT /F1 9 Tf 40 800 Td 14 TL\n" + "\n".join(f"({_escaped(line)}) Tj T*" for line in shown) + "\nET"
        data = zlib.compress(ops.encode("latin-1", "replace"))
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(data), data))
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
            % len(objects)
        )
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % k for k in kids), len(kids))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % p for p in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, len(out),
    )  # fmt: skip


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


Layout = Callable[[Story, Random], Made]
LAYOUTS: dict[str, Layout] = {
    "gitcode text": gitcode_text, "csdn": csdn, "zhihu": zhihu, "medium": medium, "docs": docs, "unknown blog": unknown_blog,
    "gutter blog": gutter_blog, "markdown": markdown, "plain text": plain_text, "pdf": pdf,
}  # fmt: skip
ENGLISH_ONLY = frozenset({"pdf"})  # its font has no Chinese
