"""Lines that name a part of an incident and tell it: `Root cause: …`, a table's row `Symptom | …`. Pure."""

import re

from ingest.blocks import Piece
from ingest.headings import heading_name
from ingest.types import Section

_LINE = re.compile(r"^\W{0,6}(?P<label>[^:：|\n]{2,32}?)[\s*_`]{0,4}(?P<mark>[:：|])[\s*_|]*(?P<text>[^\s|].*?)[\s|]*$")
_PARTS = frozenset({"symptom", "tried", "check", "cause", "fix", "prevention"})
_VAGUE = re.compile(  # stand before log lines, links and values as often as before a part
    r"(?:errors?|issues?|bugs?|problem|output|logs?|notes?|description|observed|overview|result|answer|check|verify|summary"
    r"|traceback|stack ?trace|问题|报错|错误|日志|背景|故障|排查|处理|修复|解决|方案|总结|小结|结论)",
    re.I,
)
_LEAST = 12  # characters of text after the label
_LEAST_CHINESE = 6
_MOST = 4000  # of a line: longer ones are data


def labelled(row: Piece) -> Section | None:
    """The part that a line names and tells itself; None for any other line."""
    found = _LINE.match(row.text) if len(row.text) <= _MOST else None
    if not found or _VAGUE.fullmatch(found["label"].strip()):
        return None
    text = found["text"]
    least = _LEAST_CHINESE if re.search(r"[\u4e00-\u9fff]", text) else _LEAST
    if len(text) < least or ("|" in text and any(heading_name(cell) for cell in text.split("|"))):
        return None  # a table's head names several parts
    name = heading_name(found["label"])
    if name not in _PARTS:
        return None
    start = row.start + found.start("text")
    return Section(name, found["label"].strip(), start, start + len(text), text)
