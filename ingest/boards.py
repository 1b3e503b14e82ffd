"""Saved pages of any forum (HTML) → RawThread: its posts are blocks that repeat, each with a writer and a date. Pure.

What holds a post is not asked of the site: from the body of a post (`bodies` in layouts.yaml) the tree is climbed until
a writer and a date stand beside it. A page is a thread where most of its text stands in such posts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest import html
from ingest.blocks import table
from ingest.pages import clean_title, is_site
from ingest.threads import RawPost, RawThread

_CLIMB = 9  # elements between the body of a post and what holds its writer
_SHARE = 0.5  # of a page's text without links that stands in posts
_ARTICLE = 4  # a first post so many times longer than all others, with headings, is an article with comments
_REPLY = re.compile(r"^(?:(?:re|aw|sv|回复)\s*[:：]\s*)+", re.I)
_STAFF = re.compile(
    r"\b(?:admin\w*|moderator|mod|staff|developer|maintainer|team|official|employee)\b|管理员|版主|官方", re.I
)
_DATE = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d{1,2}\b"
    r"|\b\d{1,2}\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"|\b\d+ ?(?:minutes?|hours?|days?|weeks?|months?|years?|[hd]r?) ago"
    r"|\d+ ?(?:分钟|小时|天|个?月|年)前|昨天|前天",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """What holds a post: its body, and the element in which writer and date stand."""

    body: Any
    around: Any
    author: str
    date: str
    block: Any  # the largest element that holds this post and no other


def board_threads(tree: Any) -> list[RawThread]:
    """The thread that a page shows; none for a page that is no thread."""
    for rule in table("layouts")["boards"]["bodies"]:
        cells = _cells(tree.xpath(f"//*[{rule['xpath']}]"))
        if len(cells) > 1 and _is_thread(tree, cells):
            posts = [_post(c, first=i == 0) for i, c in enumerate(cells)]
            return [RawThread("forum", "topic", _title(tree), posts, html.metadata(tree).url)]
    return []


def _cells(bodies: Sequence[Any]) -> list[_Cell]:
    """The posts around the bodies; a body inside another one is a quote or a part of it."""
    inside = {*bodies}
    outer = [b for b in bodies if not any(a in inside for a in b.iterancestors())]
    first, held = _holders(outer)
    found = [_cell(b, i, first, held) for i, b in enumerate(outer)]
    return [c for c in found if c is not None]


def _holders(bodies: Sequence[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    """For every element around a body: the place of the first body in it, and how many it holds."""
    first: dict[Any, int] = {}
    held: dict[Any, int] = {}
    for i, body in enumerate(bodies):
        for around in body.iterancestors():
            first.setdefault(around, i)
            held[around] = held.get(around, 0) + 1
    return first, held


def _cell(body: Any, place: int, first: dict[Any, int], held: dict[Any, int]) -> _Cell | None:
    marks = table("layouts")["boards"]
    for around in [a for _, a in zip(range(_CLIMB), body.iterancestors(), strict=False)]:
        if around.tag in ("body", "html") or first[around] < place:
            return None  # what holds an earlier post too holds no single post
        author, date = _first(around, marks["authors"], body), _date(around, marks["dates"], body)
        if author and date:
            alone = [a for a in body.iterancestors() if held[a] == 1]
            return _Cell(body, around, author[:80], date, alone[-1] if alone else body)
    return None


def _first(around: Any, paths: Sequence[dict[str, str]], body: Any) -> str:
    """The first text that a path gives outside of the body."""
    for rule in paths:
        for found in around.xpath(rule["xpath"]):
            if not isinstance(found, str) and (found is body or body in found.iterancestors()):
                continue
            text = " ".join((found if isinstance(found, str) else found.text_content()).split())
            if text:
                return text
    return ""


def _date(around: Any, paths: Sequence[dict[str, str]], body: Any) -> str:
    text = _first(around, paths, body)
    if re.search(r"\d|ago|前|昨", text):
        return text[:40]
    found = _DATE.search(_own_text(around, body))
    return found[0] if found else ""


def _own_text(around: Any, body: Any) -> str:
    """The text of an element before the body of its post."""
    out = []
    for element in around.iter():
        if element is body:
            break
        out.append(element.text or "")
    return " ".join(out)


def _is_thread(tree: Any, cells: Sequence[_Cell]) -> bool:
    """Whether most of a page's text stands in the posts, and the first is no article with comments below."""
    sizes, whole = [_words(c.body) for c in cells], _words(tree)
    blocks = sum(_words(c.block) for c in cells)
    headings = cells[0].body.xpath(".//h1 | .//h2 | .//h3")
    article = len(headings) > 1 and sizes[0] > _ARTICLE * sum(sizes[1:])
    return blocks >= _SHARE * whole and not article


def _words(element: Any) -> int:
    """The characters of an element without links and what belongs to the site."""
    return sum(max(len(b.text) - b.links, 0) for b in html.render(element) if not is_site(b.text))


def _post(cell: _Cell, first: bool) -> RawPost:
    marks = table("layouts")["boards"]
    rank = _first(cell.around, marks["ranks"], cell.body)
    accepted = not first and bool(cell.around.xpath(marks["accepted"]))
    blocks = [b.text for b in html.render(cell.body) if b.kind == "code" or not is_site(b.text.lstrip("> "))]
    staff = "MODERATOR" if _STAFF.search(rank) else ""
    return RawPost(cell.author, "\n\n".join(blocks), cell.date, staff, accepted, by_reporter=first)


def _title(tree: Any) -> str:
    """The heading that the page's own title repeats; else that title without the site's name."""
    named = " ".join((tree.findtext(".//title") or "").split())
    heads = [" ".join(h.text_content().split()) for h in tree.xpath("//h1 | //h2 | //h3 | //*[@itemprop='headline']")]
    same = [_REPLY.sub("", h) for h in heads if len(h) > 3 and _REPLY.sub("", h) in named]
    known = max(same, key=len, default="")
    short = _REPLY.sub("", clean_title(re.sub(r"(?: [-–—|·:»] [^-–—|·»]{2,40})$", "", named)))
    return known if len(known) >= 0.4 * len(short) else short
