"""Saved pages of forums (HTML) → RawThread: GitHub, Stack Overflow, Discourse. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest import boards, html
from ingest.github import github_threads, is_github
from ingest.threads import RawPost, RawThread


def html_threads(tree: Any) -> list[RawThread]:
    """The threads that a saved page shows; none for a page that is no thread."""
    return _github_page(tree) or _stackoverflow_page(tree) or _discourse_page(tree) or boards.board_threads(tree)


def fragment_text(markup: str) -> str:
    """The Markdown of a post's HTML."""
    if "<" not in markup:
        return markup
    tree = html.parse(f"<html><body><div>{markup}</div></body></html>".encode(), "post")
    return _markdown(tree)


def _markdown(element: Any) -> str:
    return "\n\n".join(b.text for b in html.render(element))


def _has(*names: str) -> str:
    """The XPath test that an element carries one of the classes."""
    return "(" + " or ".join(f"contains(concat(' ', normalize-space(@class), ' '), ' {n} ')" for n in names) + ")"


def _all(element: Any, *tests: str) -> list[Any]:
    return [found for test in tests for found in element.xpath(f".//*[{test}]")]


def _first(element: Any, *paths: str) -> str:
    """The first text that one of the paths gives, blanks joined."""
    for path in paths:
        for found in element.xpath(path):
            text = found if isinstance(found, str) else found.text_content()
            if text.strip():
                return " ".join(text.split())
    return ""


def _count(text: str, name: str) -> dict[str, int]:
    found = re.search(r"(?<![-\d])\d{1,6}", text)
    return {name: int(found[0])} if found and int(found[0]) else {}


# --- Stack Overflow --------------------------------------------------------

_PROSE = _has("s-prose", "js-post-body", "post-text")


def _stackoverflow_page(tree: Any) -> list[RawThread]:
    question = tree.xpath(f"//*[@id='question'] | //*[{_has('question')}]")
    if not question or not _all(question[0], _PROSE):
        return []
    posts: list[RawPost] = []
    for cell in [question[0], *tree.xpath(f"//*[{_has('answer')}]")]:
        if body := _all(cell, _PROSE):
            posts.append(_stackoverflow_post(cell, body[0], first=not posts))
            posts += [_remark(note) for note in _all(cell, _has("comment-body"))]
    known = html.metadata(tree)
    tags = tuple(dict.fromkeys(t.text_content().strip() for t in _all(tree, _has("post-tag"))))
    heading = ("//*[@id='question-header']//h1", f"//a[{_has('question-hyperlink')}]", "//h1")
    title = _first(tree, *heading) or known.title or ""
    return [RawThread("stackexchange", "question", title, posts, known.url, "open", tags)]


def _stackoverflow_post(cell: Any, body: Any, first: bool) -> RawPost:
    mark = _all(cell, f"{_has('js-accepted-answer-indicator')} and not({_has('d-none')})", _has("vote-accepted-on"))
    accepted = bool(mark) or " accepted-answer " in f" {cell.get('class') or ''} "
    votes = (".//@data-score", f".//*[{_has('js-vote-count')}]", ".//*[@itemprop='upvoteCount']")
    details = f"*[{_has('user-details')}]"
    names = (f".//{details}[@itemprop='author']//a", f".//*[{_has('post-signature')}][last()]//{details}//a")
    return RawPost(
        author=_first(cell, *names, f".//{details}//a") or "unknown",
        body=_markdown(body),
        date=_first(cell, ".//time/@datetime", f".//*[{_has('relativetime')}]/@title")[:20] or None,
        accepted=accepted and not first,
        reactions=_count(_first(cell, *votes), "score"),
        by_reporter=first,
    )


def _remark(note: Any) -> RawPost:
    copy = _all(note, _has("comment-copy"))
    name = _first(note, f".//*[{_has('comment-user')}]")
    return RawPost(author=name or "unknown", body=_markdown(copy[0]) if copy else "")


# --- Discourse -------------------------------------------------------------


def _discourse_page(tree: Any) -> list[RawThread]:
    posts: list[RawPost] = []
    for cell in _all(tree, _has("crawler-post", "topic-post")):
        if body := _all(cell, _has("cooked"), "@itemprop='text'"):
            posts.append(_discourse_post(cell, body[0], first=not posts))
    known = html.metadata(tree)
    return [RawThread("discourse", "topic", known.title or "", posts, known.url)] if posts else []


def _discourse_post(cell: Any, body: Any, first: bool) -> RawPost:
    marks = [m for m in _all(cell, _has("accepted-text")) if m.text_content().strip()]
    marks += _all(cell, "@itemprop='acceptedAnswer'")
    own = " accepted-answer " in f" {cell.get('class') or ''} " or cell.get("itemprop") == "acceptedAnswer"
    names = (f".//*[{_has('creator')}]//*[@itemprop='name']", ".//*[@itemprop='author']//*[@itemprop='name']")
    likes = (".//meta[@itemprop='userInteractionCount']/@content", f".//*[{_has('post-likes')}]")
    return RawPost(
        author=_first(cell, *names, f".//*[{_has('username')}]", ".//@data-user-card") or "unknown",
        body=_markdown(body),
        date=_first(cell, ".//time/@datetime")[:20] or None,
        accepted=(own or bool(marks)) and not first,
        reactions=_count(_first(cell, *likes), "heart"),
    )


# --- GitHub ----------------------------------------------------------------


def _github_page(tree: Any) -> list[RawThread]:
    """From the data that newer pages carry, else from the comments that older ones show."""
    for script in tree.xpath("//script[@type='application/json'][contains(@data-target, 'embeddedData')]"):
        try:
            queries = list(_queries(json.loads(script.text or "")))
        except (ValueError, RecursionError):
            continue
        for query in queries:
            if is_github(query):
                return list(github_threads(query))
    title = _first(tree, f"//*[{_has('js-issue-title', 'markdown-title')}]")
    cells = [c for c in _all(tree, _has("js-comment-container")) if _all(c, _has("comment-body"))]
    if not cells or not title:
        return []
    known = html.metadata(tree)
    state = _first(tree, f"//*[{_has('State')}]").lower()
    kind = "pull" if "/pull/" in (known.url or "") else "issue"
    return [RawThread("github", kind, title, [_github_post(c) for c in cells], known.url, state)]  # type: ignore[arg-type]


def _queries(data: Any) -> Iterator[Any]:
    payload = data.get("payload") if isinstance(data, dict) else None
    queries = payload.get("preloadedQueries") if isinstance(payload, dict) else None
    for query in queries if isinstance(queries, list) else []:
        yield query.get("result") if isinstance(query, dict) else None


def _github_post(cell: Any) -> RawPost:
    badge = _first(cell, f".//*[{_has('Label')}]")
    return RawPost(
        author=_first(cell, f".//a[{_has('author')}]") or "unknown",
        body=_markdown(_all(cell, _has("comment-body"))[0]),
        date=_first(cell, ".//relative-time/@datetime")[:20] or None,
        association=badge if badge in ("Member", "Owner", "Collaborator") else "",
    )
