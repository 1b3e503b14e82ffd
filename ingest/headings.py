"""Heading lines → parts of an incident."""

import re
from functools import cache

from ingest.blocks import table
from ingest.types import SectionName

MAX_HEADING, MAX_MARKED = 40, 120  # characters of a heading in plain text, and of one that is marked as such
_MARKS = re.compile(r"^[#\s>*_【\[\"“]+|[\s:：*_#】\]\"”。.?？!！¶]+$")
_NUMBER = re.compile(
    r"^(?:第?[一二三四五六七八九十]{1,3}\s*[、.．:：步章节部分]+|[(（]?(?:\d{1,2}|[一二三四五六七八九十]{1,2}|[ivx]{1,4})[)）]"
    r"|(?:step|part|section|phase)\s*\d{1,2}\s*[:：.)-]*|\d{1,2}(?:\.\d{1,2}){0,2}\s*[、.．:：)）]?(?=\s|[^\d\s.%]))\s*",
    re.IGNORECASE,
)
_EMOJI = re.compile(r"[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f\u200d\u2b50\u2705\u274c]+")
_SPLIT = re.compile(r"\s*[:：—–(（|]\s*|\s+-+\s+|\s*——+\s*")
_SENTENCE = re.compile(r"[。！!；;,，]|\.\s|\d{3,}")


@cache
def _rules() -> tuple[tuple[SectionName, re.Pattern[str]], ...]:
    return tuple((rule["name"], re.compile(rule["re"], re.IGNORECASE)) for rule in table("headings"))


def words_of(line: str) -> str:
    """A heading line without marks, emoji and numbering."""
    words = _EMOJI.sub("", line)
    for _ in range(2):
        words = _MARKS.sub("", words)
        words = _NUMBER.sub("", words, count=1).strip()
    return words


def _named(words: str) -> SectionName | None:
    return next((name for name, pattern in _rules() if pattern.fullmatch(words)), None) if words else None


def heading_name(line: str, marked: bool = False) -> SectionName | None:
    """The part that a heading opens, None where it says nothing known. `marked`: the text marks it as a heading."""
    words = words_of(line)
    if len(words) > (MAX_MARKED if marked else MAX_HEADING):
        return None
    if not marked:
        return None if _SENTENCE.search(words) else _named(words)
    first, *rest = [part for part in _SPLIT.split(words) if part] or [""]
    return _named(words) or _named(first.strip()) or (_named(rest[0].strip()) if rest else None)
