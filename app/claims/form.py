"""The form of a sentence: one line of plain prose with at most inline code, in the language asked for."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from app.claims.model import Problem
from kb import yamlio
from kb.types import Lang

MAX_LENGTH = 600  # characters; a sentence, not an essay


class Rule(NamedTuple):
    """Text that a sentence may not hold, and what it is called; `prose` leaves inline code out."""

    name: str
    pattern: re.Pattern[str]
    prose: bool


_CODE = re.compile(r"`[^`\n]+`")


@cache
def _rules() -> tuple[Rule, ...]:
    path = Path(__file__).with_name("form.yaml")
    rows = yamlio.load(path.read_text(encoding="utf-8"), path)[0]
    return tuple(Rule(row["name"], re.compile(row["pattern"]), row["prose"]) for row in rows)


_HAN = re.compile(r"[\u3400-\u9fff]")
_OTHER = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0e00-\u0e7f]")
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|「[^」]*」")
_WORD = re.compile(r"(?<![\w.-])[a-z]{2,}(?![\w.-])")
_ENGLISH = re.compile(
    r"\b(?:the|is|are|was|of|to|and|with|that|this|it|you|your|not|because|when|should|which|from|for|in|on|by)\b", re.I
)


def form_problems(text: str) -> list[Problem]:
    """What is wrong with the form; special tokens such as <image> are left to the check of identifiers."""
    if not text.strip():
        return [Problem("form", "empty")]
    if len(text) > MAX_LENGTH:
        return [Problem("form", f"longer than {MAX_LENGTH} characters")]
    if text.count("`") % 2:
        return [Problem("form", "unclosed code")]
    prose = _CODE.sub("` `", text)
    for rule in _rules():
        if found := rule.pattern.search(prose if rule.prose else text):
            return [Problem("form", f"{rule.name}: {found[0].strip()[:40]!r}")]
    return []


def language_problem(text: str, lang: Lang) -> Problem | None:
    """A Chinese sentence has Chinese words and no English clause; an English one no Chinese outside of quotations."""
    prose = _QUOTED.sub(" ", text)
    han, english = len(_HAN.findall(prose)), len(_ENGLISH.findall(prose))
    if other := _OTHER.search(prose):
        return Problem("language", f"neither English nor Chinese: {other[0]!r}")
    if lang == "en" and han:
        return Problem("language", "Chinese in an English sentence")
    if lang == "zh" and (han < 2 or (english > 2 and english * 3 > han) or len(_WORD.findall(prose)) > max(8, han)):
        return Problem("language", "not Chinese")
    return None
