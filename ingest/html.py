"""HTML → the article as Markdown text, code exactly as it stands. The only file that knows lxml and trafilatura."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import lxml.html
import trafilatura
from lxml import etree

from ingest.blocks import table
from ingest.pages import Metadata, clean_title, is_site
from kb.errors import InputError
from kb.evidence.decode import Notes, to_text

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it reports every page it finds odd; we say so ourselves
_CHARSET = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([\w-]{2,20})", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_SPACE = re.compile(r"[ \t\r\n\f\v\u00a0\u200b]+")
_ONLY_WORDS = re.compile(r"[\W_]+")
_BLOCK = frozenset(
    "address article blockquote body center dd details div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 header "
    "hr html li main ol p pre section summary table tbody thead tfoot tr ul".split()  # the tags that end a line of text
)
_LIST_MARK = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
SMALL, ENOUGH = 0.2, 1500  # an article holds this share of a page's text, or this many characters
_PANEL = re.compile(r"\b(?:panel|admonition|callout|alert|card|note|box)-?(?:title|heading|header)\b", re.I)
_DEPTH = 250  # of nested elements; libxml2's own limit is 256 and cuts silently


@dataclass(slots=True)
class Rendered:
    """One block of a page as Markdown, and how many of its characters are links."""

    kind: str  # heading, prose, list, table, code, quote
    text: str
    links: int = 0


def parse(raw: bytes, source: str) -> Any:
    """The tree of a page. Raises InputError for what is no HTML, or nested too deeply to be a page."""
    text = decode(raw)
    parser = lxml.html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, huge_tree=False)
    try:
        tree = lxml.html.document_fromstring(_DECLARATION.sub("", text), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise InputError(f"{source}: not readable as HTML ({str(error)[:80]})") from error
    if _too_deep(tree):
        raise InputError(f"{source}: elements nested over {_DEPTH} deep: no page looks like that")
    return tree


def _too_deep(tree: Any) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _DEPTH:
            return True
    return False


def decode(raw: bytes) -> str:
    """The text of a page: by its byte order mark, what it declares, or what its bytes look like."""
    declared = _CHARSET.search(raw[:4096])
    if declared:
        name = declared[1].decode("ascii").lower()
        try:
            return raw.decode("gb18030" if name in ("gbk", "gb2312") else name).replace("\0", "")
        except (LookupError, UnicodeDecodeError):
            pass
    return to_text(raw, Notes()).replace("\0", "")


def page_text(tree: Any, source: str) -> tuple[str, Metadata]:
    """The article of a page as Markdown under its title, and what the page says of itself."""
    known = metadata(tree)
    etree.strip_elements(tree, "script", "style", "noscript", "template", "svg", with_tail=False)
    container = _container(tree)
    blocks = render(container if container is not None else tree)
    blocks = [b for b in blocks if b.kind == "code" or not is_site(b.text)]
    kept = _not_links(blocks) if container is not None else _article(blocks, tree)
    main = max([*tree.iter("article"), *tree.iter("main")], key=_size, default=None)
    if container is None and main is not None and sum(len(b.text) for b in kept) < SMALL * _size(main):
        kept = _not_links(render(main))  # the library found next to nothing
    if not kept:
        raise InputError(f"{source}: no article in it")
    title = known.title or next((b.text.lstrip("# ") for b in kept if b.kind == "heading"), None)
    same = _plain(title or "")
    kept = [b for i, b in enumerate(kept) if not (i < 8 and b.kind == "heading" and same and _plain(b.text) == same)]
    parts = ([f"# {title}"] if title else []) + [b.text for b in kept]
    return "\n\n".join(parts) + "\n", Metadata(title, known.author, known.date, known.url)


def metadata(tree: Any) -> Metadata:
    """Title, author, date and address as a page's head states them."""

    def first(*paths: str) -> str | None:
        for path in paths:
            for found in tree.xpath(path):
                text = _SPACE.sub(" ", found if isinstance(found, str) else str(found.text_content())).strip()
                if text:
                    return text
        return None

    heads = [_SPACE.sub(" ", h.text_content()).strip() for h in tree.xpath("//h1")[:20]]
    named = first("//meta[@property='og:title']/@content", "//title")
    short = clean_title(named) if named else None
    heads = [clean_title(h) for h in heads if h and not is_site(h)]
    title = next((h for h in heads if short and (h in (named or "") or short in h)), None)
    title = title or (heads[0] if len(heads) == 1 else None) or short or (heads[0] if heads else None)
    url = first("//link[@rel='canonical']/@href", "//meta[@property='og:url']/@content")
    date = first("//meta[@property='article:published_time']/@content", "//time/@datetime")
    author = first(
        "//meta[@name='author']/@content", "//*[@itemprop='author']//*[@itemprop='name']", "//a[@rel='author']"
    )
    url = url if url and re.match(r"https?://\S+$", url) else None
    return Metadata(title, author[:60] if author else None, date[:10] if date else None, url)


def by_class(tree: Any, name: str) -> list[Any]:
    """The elements that carry a class, in document order."""
    path = f".//*[contains(concat(' ', normalize-space(translate(@class, '{_UPPER}', '{_LOWER}')), ' '), ' {name} ')]"
    return list(tree.xpath(path))


_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


def _container(tree: Any) -> Any:
    """The element that holds the article in a site we know; None in others."""
    for rule in table("layouts")["containers"]:
        if "id" in rule:
            found = tree.xpath(f"//*[@id='{rule['id']}']")
        elif "itemprop" in rule:
            found = tree.xpath(f"//*[translate(@itemprop, '{_UPPER}', '{_LOWER}')='{rule['itemprop']}']")
        else:
            found = by_class(tree, rule["class"])
        if found:
            best = max(found, key=_size)
            if _size(best) >= max(80, min(SMALL * _size(tree), ENOUGH)):
                return best
    return None


def _size(element: Any) -> int:
    return len(element.text_content().strip())


def _not_links(blocks: list[Rendered]) -> list[Rendered]:
    """Without lists and lines that are nothing but links."""
    return [b for b in blocks if b.kind in ("code", "heading") or b.links < 0.8 * max(len(b.text), 1)]


def _article(blocks: list[Rendered], tree: Any) -> list[Rendered]:
    """The blocks that the extraction library counts as article; between them, what is not links."""
    html = etree.tostring(tree, encoding="unicode", method="html")
    found = trafilatura.bare_extraction(html, include_comments=False, include_tables=True, favor_recall=True)
    text = _plain(str(getattr(found, "text", "") or "")) if found is not None else ""
    inside = [i for i, b in enumerate(blocks) if _inside(b, text)]
    solid = [i for i in inside if len(blocks[i].text) > 25]
    if not solid:
        return _not_links(blocks)
    first, last = solid[0], solid[-1]
    while last + 1 < len(blocks) and (blocks[last + 1].kind == "code" or last + 1 in inside):
        last += 1
    first = first - 1 if first and blocks[first - 1].kind == "heading" else first
    known = set(inside)
    return [
        b
        for i, b in enumerate(blocks[first : last + 1], first)
        if i in known or b.kind in ("code", "heading") or b.links < 0.5 * max(len(b.text), 1)
    ]


def _inside(block: Rendered, text: str) -> bool:
    """Whether at least half of a block's lines occur in the extracted text."""
    lines = [plain for line in block.text.split("\n") if (plain := _plain(_LIST_MARK.sub("", line)))]
    return bool(lines) and 2 * sum(_occurs(line, text) for line in lines) >= len(lines)


def _plain(text: str) -> str:
    return _ONLY_WORDS.sub("", text).lower()


def _occurs(block: str, text: str) -> bool:
    return block in text if len(block) <= 60 else block[:60] in text or block[-60:] in text


# --- rendering -------------------------------------------------------------


def render(root: Any) -> list[Rendered]:
    """The blocks of an element in order, what belongs to the site left out."""
    return _Renderer().run(root)


def _drops() -> re.Pattern[str]:
    return re.compile(table("layouts")["drop_classes"], re.IGNORECASE)


def _stands_out(element: Any, tag: str) -> bool:
    """Whether an element is bold, the term of a definition or the head of a panel: alone in its line a heading."""
    return tag in ("b", "strong", "dt") or (tag in ("div", "p") and bool(_PANEL.search(element.get("class") or "")))


@dataclass(slots=True)
class _Renderer:
    """Walks an element without recursion; text gathers in `line` until a block ends."""

    out: list[Rendered] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    links: int = 0
    in_link: int = 0
    quotes: int = 0
    marks: list[str] = field(default_factory=list)  # of the lists around: "-" or a number
    heading: int = 0
    item: str = ""
    cells: int = 0
    bold: int = 0
    bold_text: int = 0
    skipped: set[Any] = field(default_factory=set)
    pattern: re.Pattern[str] = field(default_factory=_drops)
    tags: frozenset[str] = field(default_factory=lambda: frozenset(table("layouts")["drop_tags"]))

    def run(self, root: Any) -> list[Rendered]:
        size = max(len(root.text_content()), 1)
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                if element is not root and (not tag or self._belongs_to_site(element, tag, size)):
                    self.skipped.add(element)
                    walk.skip_subtree()
                elif tag == "pre":
                    self._code(element)
                    self.skipped.add(element)
                    walk.skip_subtree()
                else:
                    self._start(element, tag)
            else:
                if element in self.skipped:
                    self.skipped.discard(element)
                else:
                    self._end(element, tag)
                if element is not root:
                    self._text(element.tail)
        self._flush()
        return self.out

    def _belongs_to_site(self, element: Any, tag: str, size: int) -> bool:
        if tag in self.tags:
            return True
        if element.get("aria-hidden") == "true" or "display:none" in (element.get("style") or "").replace(" ", ""):
            return tag not in ("body", "main", "article")
        own = element.get("id") or ""  # of a section it is made of its heading, whatever words that has
        own = own if tag == "div" and own.count("-") + own.count("_") <= 1 else ""
        names = f"{element.get('class') or ''} {own} {element.get('role') or ''}"
        if not names.strip() or not self.pattern.search(names):
            return False
        return tag not in ("body", "main", "article", "pre", "code") and len(element.text_content()) < 0.5 * size

    def _start(self, element: Any, tag: str) -> None:
        if tag in _BLOCK:
            self._flush()
        if tag == "a":
            self.in_link += 1
        elif tag == "blockquote":
            self.quotes += 1
        elif tag in ("ul", "ol"):
            self.marks.append("1" if tag == "ol" else "-")
        elif tag == "li":
            self._item()
        elif tag[:1] == "h" and tag[1:].isdigit():
            self.heading = int(tag[1:])
        elif tag == "br":
            self.line.append("\n")
        elif tag in ("td", "th"):
            self.line.append(" | " if self.cells else "")
            self.cells += 1
        elif tag in ("code", "kbd", "tt"):
            self.line.append("`")
        elif _stands_out(element, tag):
            self.bold += 1
        self._text(element.text)

    def _item(self) -> None:
        mark = self.marks[-1] if self.marks else "-"
        indent = "  " * max(len(self.marks) - 1, 0)
        self.item = f"{indent}{mark}. " if mark.isdigit() else f"{indent}- "
        if mark.isdigit() and self.marks:
            self.marks[-1] = str(int(mark) + 1)

    def _end(self, element: Any, tag: str) -> None:
        if tag in _BLOCK:
            self._flush()
        if tag == "a":
            self.in_link = max(self.in_link - 1, 0)
        elif tag == "blockquote":
            self.quotes = max(self.quotes - 1, 0)
        elif tag in ("ul", "ol") and self.marks:
            self.marks.pop()
        elif tag == "li":
            self.item = ""
        elif tag[:1] == "h" and tag[1:].isdigit():
            self.heading = 0
        elif tag in ("code", "kbd", "tt"):
            self.line.append("`")
        elif _stands_out(element, tag):
            self.bold = max(self.bold - 1, 0)
        elif tag == "tr":
            self.cells = 0

    def _text(self, text: str | None) -> None:
        if not text:
            return
        words = _SPACE.sub(" ", text)
        self.line.append(words)
        self.links += len(words.strip()) if self.in_link else 0
        self.bold_text += len(words.strip()) if self.bold else 0

    def _flush(self) -> None:
        text = "".join(self.line)
        text = re.sub(r" *\n *", "\n", text).strip().replace("``", "")
        links, bold = self.links, self.bold_text
        self.line, self.links, self.bold_text = [], 0, 0
        if not text or text == "`":
            return
        short = len(text) <= 80 and "\n" not in text
        if self.heading:
            kind, text = "heading", "#" * self.heading + " " + text.replace("\n", " ")
        elif self.item:
            kind, text, self.item = "list", self.item + text, " " * len(self.item)
        elif short and bold >= 0.9 * len(text) and not self.quotes and not self.cells:
            kind, text = "heading", f"**{text}**"
        else:
            kind = "table" if self.cells else "prose"
        if self.quotes:
            kind, text = "quote", "\n".join("> " + part for part in text.split("\n"))
        if kind in ("list", "table") and self.out and self.out[-1].kind == kind:
            before = self.out[-1]
            before.text, before.links = f"{before.text}\n{text}", before.links + links
        else:
            self.out.append(Rendered(kind, text, links))

    def _code(self, element: Any) -> None:
        self._flush()
        code = "\n".join(line.rstrip("\r") for line in code_text(element).strip("\n").split("\n"))
        if not code.strip() or re.fullmatch(r"\s*(?:\d+\s+)+", code + "\n"):
            return  # a column of line numbers
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", code))])
        if self.quotes:
            code = "\n".join("> " + part for part in code.split("\n"))
        self.out.append(Rendered("code", f"{fence}\n{code}\n{fence}"))


def code_text(element: Any) -> str:
    """The text of a `pre` exactly: line breaks of markup count, line numbers and buttons do not."""
    return "".join(_code_pieces(element)).replace("\u00a0", " ").replace("\u200b", "")


def _code_pieces(root: Any) -> Iterator[str]:
    pattern = _drops()
    walk = etree.iterwalk(root, events=("start", "end"))
    skipped = set()
    for event, element in walk:
        if event == "end":
            if element.tag in ("li", "tr") and element not in skipped:
                yield "\n"
            if element is not root and element.tail:
                yield (
                    element.tail
                    if element.tag not in ("li", "tr", "td", "tbody", "table")
                    else element.tail.strip("\n ")
                )
            continue
        names = f"{element.get('class') or ''}"
        if element is not root and (element.tag in ("button", "style", "script") or (names and pattern.search(names))):
            skipped.add(element)
            walk.skip_subtree()
            continue
        if element.tag == "br":
            yield "\n"
        if element.text:
            yield element.text if element.tag not in ("ol", "ul", "tr", "table", "tbody") else element.text.strip("\n ")
