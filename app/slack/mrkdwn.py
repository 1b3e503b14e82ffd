"""Markdown as Slack wants it: mrkdwn in sections within its limits, or Markdown that cannot ping anybody."""

import re
from collections.abc import Iterator

SECTION = 2900  # characters; Slack's limit is 3,000
MAX_CODE_LINES, MAX_CODE_LINE = 40, 300  # of a block of code, so that a long log is never echoed
ZERO_WIDTH = "\u200b"

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]*\2[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`[^`\n]+`)")
_LETTER = re.compile(r"\w")
_PING = re.compile(r"<(?=[@!#])|@(?=(?:channel|here|everyone)\b)")
_RULES = (  # in this order, over escaped text outside of code
    (re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE), r"*\1*", "headings"),
    (re.compile(r"(?<!\w)\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\w)"), r"*\1*", "bold"),
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), rf"{ZERO_WIDTH}*\1*{ZERO_WIDTH}", "bold within a word, as in Chinese"),
    (re.compile(r"!?\[([^\]\n]+)\]\((https?://[^\s)|]+)\)"), r"<\2|\1>", "links"),
    (re.compile(r"&lt;(https?://[^\s|]+?)&gt;"), r"<\1>", "addresses in angle brackets"),
    (re.compile(r"^(\s*)[-*+]\s+", re.MULTILINE), r"\1• ", "lists"),
)


def escape(text: str) -> str:
    """Text that Slack shows as it is and that mentions nobody."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _PING.sub(lambda m: m[0] + ZERO_WIDTH, text)


def quiet(markdown: str) -> str:
    """Markdown for Slack's streams, which take it as it is: nothing in it can ping."""
    return _PING.sub(lambda m: m[0] + ZERO_WIDTH, shortened(markdown))


def mrkdwn(markdown: str) -> str:
    """Markdown in Slack's own marks."""
    return "".join(_fenced(code) if is_code else _prose(text) for is_code, text, code in _parts(markdown))


def sections(markdown: str, most: int) -> list[str]:
    """At most `most` texts of at most SECTION characters; the last ends with … where something was left out."""
    found = list(_packed(markdown))
    if len(found) > most:
        found = [*found[: most - 1], found[most - 1][: SECTION - 2].rstrip() + "\n…"]
    return found


def shortened(markdown: str) -> str:
    """The same with long blocks of code cut in the middle."""
    return "".join(
        f"{fence}\n{code}{fence}\n" if (fence := "```") and is_code else text
        for is_code, text, code in _parts(markdown)
    )


def _parts(markdown: str) -> Iterator[tuple[bool, str, str]]:
    """Prose and blocks of code in order."""
    done = 0
    for match in _FENCE.finditer(markdown):
        yield False, markdown[done : match.start()], ""
        yield True, "", _cut(match[3], match[1])
        done = match.end() + (markdown[match.end() : match.end() + 1] == "\n")
    yield False, markdown[done:], ""


def _cut(code: str, indent: str) -> str:
    lines = [line.removeprefix(indent) for line in code.rstrip("\n").split("\n")]
    if len(lines) > MAX_CODE_LINES:
        half = MAX_CODE_LINES // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half} …", *lines[-half:]]
    lines = [line if len(line) <= MAX_CODE_LINE else line[:MAX_CODE_LINE] + " …" for line in lines]
    return "\n".join(line.replace("```", "'''") for line in lines) + "\n"


def _fenced(code: str) -> str:
    return f"```\n{escape(code)}```\n"


def _prose(text: str) -> str:
    parts = _CODE.split(text)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            parts[number] = _marks(part)
        else:  # Slack knows a mark only at the edge of a word, and Chinese has no spaces
            before = ZERO_WIDTH if _LETTER.match(parts[number - 1][-1:]) else ""
            after = ZERO_WIDTH if _LETTER.match(parts[number + 1][:1]) else ""
            parts[number] = f"{before}{_inline(part)}{after}"
    return "".join(parts)


def _inline(code: str) -> str:
    inner = code[1:-1]
    return f"`{escape(inner if len(inner) <= MAX_CODE_LINE else inner[:MAX_CODE_LINE] + ' …')}`"


def _marks(text: str) -> str:
    text = escape(text)
    for pattern, replacement, _ in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _packed(markdown: str) -> Iterator[str]:
    """Whole blocks together as long as they fit; a block of code is never torn in two halves of a fence."""
    held = ""
    for is_code, text, code in _parts(markdown):
        paragraphs = [part.strip("\n") for part in _prose(text).split("\n\n")]
        blocks = _pieces_of_code(code) if is_code else [part for part in paragraphs if part.strip()]
        for block in blocks:
            for piece in [block] if is_code else _hard(block):
                joined = f"{held}\n\n{piece}" if held and not is_code else f"{held}\n{piece}" if held else piece
                if len(joined) > SECTION:
                    yield held.strip("\n")
                    joined = piece
                held = joined
    if held.strip():
        yield held.strip("\n")


def _pieces_of_code(code: str) -> list[str]:
    pieces, held = [], ""
    for line in escape(code).split("\n")[:-1]:
        short = line[: SECTION - 20]
        if len(held) + len(short) > SECTION - 20:
            pieces.append(held)
            held = ""
        held += short + "\n"
    return [f"```\n{piece}```" for piece in [*pieces, held] if piece]


def _hard(text: str) -> list[str]:
    """A paragraph in parts that fit, cut at a line's or word's end."""
    parts = []
    while len(text) > SECTION:
        at = max(text.rfind("\n", 0, SECTION), text.rfind(" ", 0, SECTION))
        at = at if at > SECTION // 2 else SECTION - 10
        parts.append(text[:at])
        text = text[at:].lstrip()
    return [*parts, text]
