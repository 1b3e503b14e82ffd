"""Any saved source → Pages and Threads: the format is told from the content, the name only breaks ties. Pure."""

import json
import re
from pathlib import PurePath
from typing import Any

from ingest import forums, github, mail, printed, thread_pages
from ingest.pages import Metadata, read_page
from ingest.threads import build
from ingest.types import Page, SourceFormat, Thread
from kb.errors import InputError
from kb.evidence.decode import Notes, to_text

MAX_BYTES = 50_000_000  # of JSON: an export of a busy channel
MAX_PAGE = 10_000_000  # of a page or a PDF
MAX_TEXT = 2_000_000  # of a text page
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|div|article|main|meta|title|p)\b",
    re.I | re.S,
)
_TAGS = re.compile(rb"</(?:p|div|html|body|article|span|a|li)>", re.I)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|```|~~~)|^\*\*[^*\n]+\*\*\s*$", re.M)
_FRONT = re.compile(r"\A---\n(.{0,4000}?)\n---\n", re.S)

Item = Page | Thread


def format_of(raw: bytes, name: str) -> SourceFormat | str:
    """html, pdf, json, jsonl, markdown or text."""
    head = raw[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"%PDF-" in raw[:1024]:
        return "pdf"
    if head[:1] in (b"{", b"["):
        return "json"
    if _HTML.match(head) or (
        len(_TAGS.findall(raw[:20000])) >= 5 and not _MARKDOWN.search(raw[:20000].decode("utf-8", "ignore"))
    ):
        return "html"
    text = raw[:40000].decode("utf-8", "ignore")
    marked = len(_MARKDOWN.findall(text)) >= 2 or PurePath(name).suffix.lower() in (".md", ".markdown", ".mdx")
    return "markdown" if marked else "text"


def read_source(raw: bytes, name: str) -> list[Item]:
    """Everything that one saved source holds. Raises InputError, one clear line, for what cannot be read."""
    if not raw.strip():
        raise InputError(f"{name}: empty")
    form = format_of(raw, name)
    limit = {"json": MAX_BYTES, "html": MAX_PAGE, "pdf": MAX_PAGE}.get(form, MAX_TEXT)
    if len(raw) > limit:
        raise InputError(f"{name}: {len(raw):,} bytes; {form} is read up to {limit:,}")
    if form == "pdf":
        from ingest.pdf import pdf_text

        text, known = pdf_text(raw, name)
        return [read_page(text, name, "pdf", known)]
    if form == "html":
        return _read_html(raw, name)
    if form == "json":
        return _read_json(raw, name)
    return _read_text(raw, name, "markdown" if form == "markdown" else "text")


def _read_html(raw: bytes, name: str) -> list[Item]:
    from ingest import html

    tree = html.parse(raw, name)
    threads = [build(t, name) for t in thread_pages.html_threads(tree)]
    if threads:
        return [*threads]
    text, known = html.page_text(tree, name)
    return [read_page(text, name, "html", known)]


def _read_text(raw: bytes, name: str, form: SourceFormat) -> list[Item]:
    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")) and raw[:4096].count(0) < 1000:
        raise InputError(f"{name}: binary, not a page or a thread")
    notes = Notes()
    text = to_text(raw, notes)
    if notes.replaced > 0.02 * len(text) or "\0" in text:
        raise InputError(f"{name}: binary, or in an encoding that is neither UTF-8, UTF-16 nor GBK")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if printed.is_printed(text):
        return [build(printed.printed_thread(text), name)]
    if mail.is_mail(text):
        return [build(t, name) for t in mail.mail_threads(text)]
    known = Metadata()
    if front := _FRONT.match(text):
        known = _front_matter(front[1])
        text = text[front.end() :]
        if known.title and f"\n# {known.title}\n" not in f"\n{text}\n":
            text = f"# {known.title}\n\n{text}"
    return [read_page(text, name, form, known)]


def _front_matter(text: str) -> Metadata:
    """Title, author, date and address of a Markdown file's front matter, read line by line."""
    pairs = (line.partition(":") for line in text.split("\n"))
    values = {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs if value.strip()}
    return Metadata(
        values.get("title"), values.get("author"), values.get("date"), values.get("url") or values.get("source")
    )


def _read_json(raw: bytes, name: str) -> list[Item]:
    data = _decoded(raw, name)
    if github.only_comments(data):
        raise InputError(f'{name}: comments without their issue: put both into one file, {{"issue": …, "comments": …}}')
    if forums.is_discourse(data):
        raws = forums.discourse_threads(data, thread_pages.fragment_text)
    elif forums.is_stackexchange(data):
        raws = forums.stackexchange_threads(data, thread_pages.fragment_text)
    elif forums.is_slack(data):
        raws = forums.slack_threads(data)
    elif github.is_github(data):
        raws = github.github_threads(data)
    else:
        raise InputError(f"{name}: JSON, but no thread of GitHub, Discourse, Stack Exchange or Slack")
    threads = [build(t, name) for t in raws]
    if not threads:
        raise InputError(f"{name}: no thread with an answer in it")
    return [*threads]


def _decoded(raw: bytes, name: str) -> Any:
    text = to_text(raw, Notes())
    try:
        return json.loads(text)
    except RecursionError as error:
        raise InputError(f"{name}: JSON nested too deeply") from error
    except ValueError as error:
        try:  # gh api --paginate prints one array after the other; exports may hold one object a line
            return _several(text)
        except (ValueError, RecursionError):
            raise InputError(f"{name}: broken JSON: {str(error)[:100]}") from error


def _several(text: str) -> list[Any]:
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.extend(value if isinstance(value, list) else [value])
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
    return found
