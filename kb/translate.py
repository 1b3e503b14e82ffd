"""Field terms across languages, word by word through the glossary: for search, not for reading."""

import re
from collections.abc import Mapping
from functools import cache

from kb import vocabulary
from kb.tokens import has_chinese

_LATIN = re.compile(r"[A-Za-z0-9_<|>.+/\-]+")


@cache
def _chinese_terms() -> tuple[re.Pattern[str], Mapping[str, list[str]]]:
    terms = vocabulary.glossary()
    longest_first = sorted(terms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"), terms


@cache
def _english_terms() -> tuple[re.Pattern[str], Mapping[str, list[str]]]:
    terms: dict[str, list[str]] = {}
    for zh, english in vocabulary.glossary().items():
        for en in english:
            terms.setdefault(en.lower(), []).append(zh)
    longest_first = sorted(terms, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![A-Za-z])(?:{words})s?(?![A-Za-z])" if words else r"(?!)"), terms


@cache
def _chinese_words() -> tuple[re.Pattern[str], Mapping[str, str]]:
    words = {**vocabulary.everyday(), **{zh: english[0] for zh, english in vocabulary.glossary().items()}}
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)"), words


def to_english(text: str) -> str:
    """The Latin words of a text and the first translation of each Chinese word, in order.

    Chinese outside the glossary and the everyday words is dropped: an English embedding model reads it as unknown
    tokens.
    """
    if not has_chinese(text):
        return " ".join(_LATIN.findall(text))
    pattern, words = _chinese_words()
    return " ".join(_LATIN.findall(pattern.sub(lambda match: f" {words[match[0]]} ", text)))


def english_terms(text: str) -> list[str]:
    """All translations of the Chinese glossary terms in a text."""
    if not has_chinese(text):
        return []
    pattern, terms = _chinese_terms()
    return [en for match in pattern.finditer(text) for en in terms[match[0]]]


def chinese_terms(text: str) -> list[str]:
    """All translations of the English glossary terms in a text."""
    pattern, terms = _english_terms()
    found = (terms.get(m[0]) or terms.get(m[0].removesuffix("s"), []) for m in pattern.finditer(text.lower()))
    return [zh for translations in found for zh in translations]
