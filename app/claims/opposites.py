"""Opposites between a part of a sentence and its counterpart: negations, opposed words, opposed characters."""

import re
from collections import Counter
from collections.abc import Iterator

from app.claims.clauses import han
from app.claims.counterpart import TELLING, Counterpart
from app.claims.lexicon import lexicon
from app.claims.model import Problem

COPIED, MIN_COPIED = 1.35, 5  # a source not much longer, characters
_WORD = re.compile(r"[a-z]+")


def negation_problems(counterpart: Counterpart) -> Iterator[Problem]:
    """As many as there, odd or even, those of what is left out not counted; and numbers no more often than there."""
    mine = [counterpart.claim.items[at] for at in counterpart.members]
    members, items = counterpart.stretch.members, counterpart.stretch.clauses.items
    theirs = [items[at] for at in members]
    said = sum(item.kind in ("not", "after") for item in mine)
    there = sum(_counts(counterpart, n) for n in range(len(members)))
    negative = [sum(i.kind == "axis" and i.sign < 0 for i in side) for side in (mine, theirs)]
    if (said - there) % 2 and (said - there + negative[0] - negative[1]) % 2:
        yield Problem("polarity", "its negations")
    numbers = [Counter(i.key for i in side if i.kind in ("num", "version")) for side in (mine, theirs)]
    if any(n > max(1, numbers[1][key]) for key, n in numbers[0].items() if key not in ("1", "2")):
        yield Problem("attribution", "a number twice that stands there once")


def _counts(counterpart: Counterpart, n: int) -> bool:
    """Whether the n-th item of the stretch negates something that the sentence says."""
    members, items = counterpart.stretch.members, counterpart.stretch.clauses.items
    item = items[members[n]]
    if item.kind != "not":
        return item.kind == "after"
    following = (at for at in members[n + 1 :] if items[at].kind in TELLING and items[at].clause == item.clause)
    return next((at in counterpart.hit for at in following), True)


def opposed_problems(counterpart: Counterpart) -> Iterator[Problem]:
    """Of two opposed words the other one."""
    mine, theirs = (_words(text) for text in (counterpart.claim.said(counterpart.part), counterpart.stretch.text))
    for pair in lexicon().opposed_words:
        here, there = ([word for word in pair if _holds(word, *side)] for side in (mine, theirs))
        if len(here) == len(there) == 1 and here != there:
            yield Problem("polarity", f"{here[0]}: {there[0]} there")


def _words(text: str) -> tuple[str, frozenset[str]]:
    return text, frozenset(_WORD.findall(text.lower()))


def _holds(word: str, text: str, words: frozenset[str]) -> bool:
    return word in words or (not word.isascii() and word in text)


def character_problems(counterpart: Counterpart, chinese: bool) -> Iterator[Problem]:
    """Of two opposed characters the other one; in a copy a negation more or less."""
    if not chinese:
        return
    mine, theirs = han(counterpart.claim.said(counterpart.part)), han(counterpart.stretch.text)
    for pair in lexicon().opposed:
        here, there = ([c for c in pair if c in text] for text in (mine, theirs))
        if len(here) == len(there) == 1 and here != there:
            yield Problem("polarity", f"{here[0]}: {there[0]} there")
    copied = len(mine) > MIN_COPIED and len(theirs) <= COPIED * len(mine) and sum(c not in theirs for c in mine) <= 1
    negations = [sum(c in lexicon().negative for c in text) for text in (mine, theirs)]
    if copied and negations[0] != negations[1]:
        yield Problem("polarity", "its negations")
