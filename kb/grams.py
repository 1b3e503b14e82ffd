"""What a linear model sees of a sentence: words, word pairs, openings and ends, pieces of Chinese. Pure."""

import math
import re
from collections.abc import Iterator

_MOST = 600  # characters of a sentence that are looked at
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("<url>", r"https?://\S+"),
        (
            "<command>",
            r"`?(?:\$ ?|sudo )?\b(?:pip3?|uv|conda|git|apt(?:-get)?|npm|docker|kubectl|export) [a-z-]+[^`\n]{0,80}`?",
        ),
        ("<flag>", r"`?(?<![\w-])--?[a-z][\w-]+(?:[= ][\w./:-]+)?[^`\n]{0,40}`|(?<![\w-])--[a-z][\w-]+"),
        ("<assign>", r"`[^`\n]{1,60}[=:]\s*[^`\n]{1,60}`|\b[A-Za-z_][\w.]*=[\w\"'./-]+"),
        ("<code>", r"`[^`\n]+`"),
        ("<change>", r"\bPR\b|(?<!\w)#\d{2,}"),
        ("<mention>", r"@[\w-]+"),
        ("<version>", r"(?:>=|<=|==|[<>v])?\d+\.\d+(?:\.\w+)*(?:\+\w+)?"),
        ("<name>", r"\b\w+(?:[._]\w+)+(?:\(\))?|\b\w*[a-z][A-Z]\w*\b|\b[A-Z]{2,}[A-Z_\d]*\b"),
        ("<number>", r"\d+(?:[.,]\d+)*%?"),
    )
)
_WORD = re.compile(r"<\w+>|[a-z]+(?:['’][a-z]+)?|[\u4e00-\u9fff]+|[,;:.!?，。；：！？、\n…👍🎉🙏]")
_STOPS = frozenset(",;:.!?，。；：！？\n")


def tokens(text: str) -> list[str]:
    """Words, marks for names and numbers, and single runs of Chinese characters, in order."""
    text = text[:_MOST]
    for name, pattern in _MARKS:
        text = pattern.sub(f" {name} ", text)
    return _WORD.findall(text.lower())


def grams(words: list[str]) -> Iterator[str]:
    """The features of a sentence's tokens."""
    before, opening = "^", True
    for word in words:
        if word in _STOPS:
            yield word
            before, opening = "^", True
            continue
        if "\u4e00" <= word[0] <= "\u9fff":
            yield from _characters(word, opening)
        else:
            yield word
            yield f"{before} {word}"
        before, opening = (word if len(word) < 12 else "…"), False
    if words:
        yield f"^^ {words[0][:4]}"
        yield f"$ {words[-1][-4:]}"


def _characters(run: str, opening: bool) -> Iterator[str]:
    if opening:
        yield f"^ {run[0]}"
        yield f"^ {run[:2]}"
    for size in (1, 2, 3):
        for at in range(len(run) - size + 1):
            yield run[at : at + size]


def length(text: str) -> str:
    """The feature of a sentence's length, in powers of two."""
    return f"long:{min(int(math.log2(1 + len(text))), 9)}"
