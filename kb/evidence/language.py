"""The language of what a person wrote. Logs, code, paths and quoted output do not count: pass prose only."""

import re

from kb.types import Lang

_HAN = re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_QUOTED = re.compile(
    r"`[^`\n]{0,400}`|\"[^\"\n]{0,400}\"|\u201c[^\u201d\n]{0,400}\u201d|\u300c[^\u300d\n]{0,400}\u300d|https?://\S+"
)
_FUNCTION = re.compile(
    r"\b(?:the|is|are|was|were|it|its|my|me|we|our|you|your|to|of|in|on|at|for|with|from|by|and|or|but|not|when|why|how|what|"
    r"does|do|did|has|have|had|this|that|then|than|after|before|any|can|cannot|should|would|will|if|as|be|so|a|an|only|get|got|"
    r"please|help|there|which|while|still|just|i|i'm|i've|am|been|them|these|using|use|keeps?|during)\b",
    re.IGNORECASE,
)


_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def half_width(text: str) -> str:
    """The text with full-width letters, digits and punctuation (U+FF01 to U+FF5E) as their ASCII forms."""
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def without_quotations(text: str, mark: str = " ") -> str:
    """The text with `mark` for quotations, code and addresses."""
    return _QUOTED.sub(mark, text)


def function_words(text: str) -> int:
    """How many of the small words that English sentences, and hardly any log line, consist of."""
    return len(_FUNCTION.findall(text))


def han(text: str) -> int:
    """How many Chinese characters, quotations left out."""
    return len(_HAN.findall(_QUOTED.sub(" ", text)))


def language_of(prose: str) -> Lang | None:
    """zh or en; None where there are no words; a third language counts as en."""
    text = _QUOTED.sub(" ", prose)
    chinese, english = len(_HAN.findall(text)), function_words(text)
    if chinese and len(_KANA_HANGUL.findall(text)) * 4 > chinese:
        return "en"
    if chinese > 1.5 * english or (chinese >= 2 and not english):
        return "zh"
    letters = any(c.isalpha() for c in text)
    return "en" if letters else None
