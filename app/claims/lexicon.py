"""The closed classes of words in words.yaml, ready to compare with."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from app.claims.tokens import Token, words
from kb import yamlio
from kb.tokens import has_chinese, stem


class WordClass:
    """A closed class: English stems, and Chinese words of which a run may be put together."""

    def __init__(self, english: Iterable[str], chinese: Iterable[str]) -> None:
        self._english = {form for word in english for form in (word, stem(word))}
        longest_first = "|".join(sorted(map(re.escape, chinese), key=len, reverse=True))
        self._any = re.compile(longest_first or r"(?!)")
        self._run = re.compile(f"(?:{longest_first})+" if longest_first else r"(?!)")

    def holds(self, word: str) -> bool:
        """Whether it is one of the class; in Chinese, a row of nothing else."""
        return bool(self._run.fullmatch(word)) if has_chinese(word) else word in self._english

    def stranger(self, run: Sequence[Token]) -> str | None:
        """The first word of a run that is none of the class."""
        return next((word for word in words(run) if not self.holds(word)), None)

    def member(self, run: Sequence[Token]) -> str | None:
        """The first word of a run that is one of the class; in Chinese, a word inside the run."""
        for word in words(run):
            if has_chinese(word):
                if found := self._any.search(word):
                    return found[0]
            elif word in self._english:
                return word
        return None


@cache
def word_class(*names: str) -> WordClass:
    """The union of some classes of words.yaml."""
    path = Path(__file__).with_name("words.yaml")
    table = yamlio.load(path.read_text(encoding="utf-8"), path)[0]
    return WordClass(*([word for name in names for word in table[lang].get(name, ())] for lang in ("en", "zh")))
