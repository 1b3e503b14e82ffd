"""Mailing-list archives as text (mbox, Pipermail, saved mails) → RawThread: one for each subject. Pure."""

import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

from ingest.blocks import table
from ingest.threads import RawPost, RawThread

_START = re.compile(r"^From \S.{0,120}\d{4}\s*$|^(?:From|Von|发件人)[:：][ \t]*\S", re.M)
_HEADER = re.compile(r"^([A-Za-z][\w-]{1,30})[:：][ \t]*(.*(?:\n[ \t]+\S.*)*)\n?", re.M)
_REPLY = re.compile(r"^\s*(?:(?:re|aw|sv|antw|回复|答复|fwd?|转发)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.I)
_NAMED = re.compile(r"^\s*\"?([^\"<(]+?)\"?\s*<[^>]*>|\(([^()]+)\)\s*$")
_NEEDED = frozenset({"from", "date", "subject"})


def is_mail(text: str) -> bool:
    """Whether a text holds mails with From, Date and Subject."""
    return next(_mails(text), None) is not None


def mail_threads(text: str) -> Iterator[RawThread]:
    """A thread for every subject, its mails in the order of the archive."""
    groups: dict[str, tuple[str, list[RawPost]]] = {}
    for headers, body in _mails(text):
        subject = " ".join(_decoded(headers["subject"]).split())
        title = _REPLY.sub("", subject)
        _, posts = groups.setdefault(title.lower(), (title, []))
        writer = _writer(headers["from"])
        posts.append(RawPost(writer, _unsigned(body_text(body), writer), _date(headers["date"])))
    for title, posts in groups.values():
        yield RawThread("mail", "topic", title, posts)


def _mails(text: str) -> Iterator[tuple[dict[str, str], str]]:
    """The headers and body of every mail; what stands before the first is the archive's."""
    starts = [m.start() for m in _START.finditer(text)]
    heads = [(at, *_head(text, at)) for at in starts]
    mails = [(at, headers, end) for at, headers, end in heads if headers.keys() >= _NEEDED]
    mails = [m for i, m in enumerate(mails) if i == 0 or m[0] >= mails[i - 1][2]]  # "From:" below its own "From "
    for i, (_, headers, end) in enumerate(mails):
        stop = mails[i + 1][0] if i + 1 < len(mails) else len(text)
        yield headers, text[end:stop]


def _head(text: str, at: int) -> tuple[dict[str, str], int]:
    """The header lines from a place on, and where they end."""
    if text.startswith("From ", at):
        at = text.find("\n", at) + 1 or len(text)
    headers: dict[str, str] = {}
    while found := _HEADER.match(text, at):
        headers.setdefault(found[1].lower(), " ".join(found[2].split()))
        at = found.end()
    return headers, at


def body_text(body: str) -> str:
    """A body without what programs and the list put below it, signatures and lines that open a quote."""
    rules = table("layouts")["mail"]
    for rule in rules["cuts"]:
        body = re.sub(rule["re"], "\n", body, flags=re.M | re.I)
    for rule in rules["ends"]:
        if found := re.search(rule["re"], body, re.M | re.I):
            body = body[: found.start()]
    return body.strip("\n")


def _unsigned(body: str, writer: str) -> str:
    """A body without a last line that is the writer's name or initials."""
    rest, _, last = body.rpartition("\n")
    parts = {part.lower() for part in re.findall(r"\w+", writer)}
    letters = {"".join(w[0] for w in writer.lower().split()), writer[:1].lower()}
    own = {part.lower() for part in re.findall(r"\w+", last)}
    return rest.rstrip() if rest.strip() and own and (own <= parts or "".join(sorted(own)) in letters) else body


def _writer(value: str) -> str:
    value = _decoded(value)
    named = _NAMED.search(value)
    return " ".join((named[1] or named[2] if named else value).split())[:80]


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return value


def _date(value: str) -> str | None:
    try:
        return parsedate_to_datetime(value).isoformat()
    except (ValueError, TypeError, IndexError):
        return None
