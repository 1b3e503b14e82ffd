"""Words of Chinese and English technical text for the lexical index.

Chinese runs become overlapping character pairs (the standard for CJK without a dictionary, as in Lucene's
CJKAnalyzer); identifiers, flags and error codes are kept whole and also split into their parts.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

_TOKEN = re.compile(
    r"<\|?/?[A-Za-z_][\w.]*\|?>"  # special tokens: <|im_end|>, <think>
    r"|[A-Za-z0-9_](?:[\w.\-+/]*[A-Za-z0-9_])?"  # words, identifiers, versions, paths
    r"|([!?#@*=~])\1{3,}"  # runs such as !!!!
    r"|[\u3400-\u9fff]+",  # Chinese
    re.ASCII,
)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CJK = re.compile(r"[\u3400-\u9fff]")
# Lucene's EnglishAnalyzer leaves these words out.
_STOP = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with".split()
)
MAX_TOKEN = 64


def has_chinese(text: str) -> bool:
    """Whether the text has any Chinese character."""
    return _CJK.search(text) is not None


def lexical_tokens(text: str) -> list[str]:
    """The index terms of a text, in order, repeated as often as they occur."""
    normal = unicodedata.normalize("NFKC", text)
    return [token for match in _TOKEN.finditer(normal) for token in _terms(match[0])]


def _terms(word: str) -> Iterator[str]:
    if has_chinese(word):
        yield from (word[i : i + 2] for i in range(len(word) - 1)) if len(word) > 1 else (word,)
        return
    if not word[0].isalnum() and word[0] not in "_<":
        yield word[:4]
        return
    whole = word.lower()
    parts = [part.lower() for part in _PARTS.findall(word)]
    if len(whole) <= MAX_TOKEN and whole not in _STOP and (len(whole) > 1 or not whole.isalnum()):
        yield stem(whole)
    if len(parts) > 1:
        yield from (stem(p) for p in parts if len(p) > 1 and p not in _STOP and not p.isdigit())


_stemmer = Stemmer.Stemmer("english")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """English endings folded (Snowball's Porter2 stemmer); identifiers stay as they are."""
    return str(_stemmer.stemWord(word)) if len(word) > 3 and word.isalpha() and word.isascii() else word
