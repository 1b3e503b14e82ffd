"""Whether a sentence takes over a passage in its own words and order: what departs from it, if anything does.

A falsehood made of a true sentence needs a word that the passage does not have there, or lacks one that the passage
has. So every word of the sentence must stand in the passage, in its order; beside them only words that carry no fact
may come or go (words.yaml), and whole clauses and remarks at the edges that do not bind what is said.
"""

from collections.abc import Sequence, Set
from difflib import SequenceMatcher
from typing import NamedTuple

from app.claims.lexicon import word_class
from app.claims.tokens import Token, words

Tokens = Sequence[Token]
MAX_ELEMENT = 8  # tokens of an element that may be left out of an enumeration
MAX_PRONOUN, MAX_NOUN = 2, 5  # tokens of a pronoun, and of what may stand in its place
MAX_QUOTED_GAP = 8  # tokens left out within what the person sent
_ENDS = frozenset(".。;；!?！？\n|")
_LISTING = frozenset(",、，")


class Passage(NamedTuple):
    """A sentence of a source, or two that stand side by side; `known`: the words that its pronouns may stand for."""

    tokens: Tokens
    known: Set[str]


class Edit(NamedTuple):
    """What stands in the passage's place `there` and the sentence's place `here` of an alignment."""

    tag: str
    there: slice
    here: slice


def departure(said: Tokens, passage: Passage, reporting: bool = False) -> str | None:
    """The first thing in which a sentence departs from a passage; None where it is taken over from it.

    `reporting`: the sentence says what the person sent, the passage is of that.
    """
    own = passage.tokens
    edits = _edits(said, own)
    kept = [edit for edit in edits if edit.tag == "equal"]
    if not kept:
        return "nothing in common"
    begin, end = kept[0].there.start, kept[-1].there.stop
    for edit in edits:
        if edit.tag == "equal":
            continue
        if found := _added(said, own, edit, passage.known, reporting):
            return f"adds {found}"
        if begin <= edit.there.start and edit.there.stop <= end and (found := _left_out(own, edit.there, reporting)):
            return f"leaves out {found}"
    return None if reporting else _left_before(own, begin) or _left_after(own, end)


def _edits(said: Tokens, own: Tokens) -> list[Edit]:
    matcher = SequenceMatcher(None, [t.key for t in own], [t.key for t in said], autojunk=False)
    return [Edit(tag, slice(a, b), slice(c, d)) for tag, a, b, c, d in matcher.get_opcodes()]


def _added(said: Tokens, own: Tokens, edit: Edit, known: Set[str], reporting: bool) -> str | None:
    new, old = said[edit.here], own[edit.there]
    allowed = word_class("added", "reporting") if reporting else word_class("added")
    found = allowed.stranger(new)
    if found is None:
        return None
    named = 0 < len(old) <= MAX_PRONOUN and len(new) <= MAX_NOUN and not word_class("pronouns").stranger(old)
    return None if named and all(word in known or allowed.holds(word) for word in words(new)) else found


def _left_out(own: Tokens, at: slice, reporting: bool) -> str | None:
    run = own[at]
    negations = word_class("negations")
    if reporting:
        return negations.member(run) or ("too much" if len(run) > MAX_QUOTED_GAP else None)
    found = word_class("left_out").stranger(run)
    if found is None or (_element(own, at) and not word_class("negations", "conditions_after").member(run)):
        return None
    return found


def _element(own: Tokens, at: slice) -> bool:
    """Whether it is an element of an enumeration, with its marks on both sides, or an alternative."""
    run = own[at]
    if len(run) > MAX_ELEMENT or any(token.cut for token in run[1:]):
        return False
    marks = (run[0].cut, own[at.stop].cut if at.stop < len(own) else "")
    return run[0].key in ("or", "或") or all(mark and set(mark) <= _LISTING for mark in marks)


def _left_before(own: Tokens, begin: int) -> str | None:
    """What binds the beginning of what is taken over to what stands before it."""
    filler = word_class("left_out")
    while begin > 0 and not own[begin].cut and not filler.stranger(own[begin - 1 : begin]):
        begin -= 1
    if begin == 0:
        return None
    cut = own[begin].cut
    if not cut and not word_class("joints").holds(own[begin].key):
        return f"begins behind {own[begin - 1].key}"
    if _ENDS & set(cut):
        return None
    start = next((at for at in range(begin - 1, 0, -1) if _ENDS & set(own[at].cut)), 0)
    clause = own[start:begin]
    if ":" in cut:
        found = word_class("labels", "left_out").stranger([token for token in clause if not token.key.isdigit()])
        return found and f"leaves out the label {found}"
    found = word_class("conditions_before").member(clause)
    return found and f"leaves out {found}"


def _left_after(own: Tokens, end: int) -> str | None:
    """What binds the end of what is taken over to what stands behind it."""
    if end == len(own) or not word_class("left_out").stranger(own[end:]):
        return None
    first = own[end]
    if not first.cut and not word_class("joints").holds(first.key):
        return f"ends before {first.key}"
    if _ENDS & set(first.cut) or word_class("consequences").holds(first.key):
        return None
    stop = next((at for at in range(end + 1, len(own)) if _ENDS & set(own[at].cut)), len(own))
    found = word_class("limits").member(own[end : end + 1]) or word_class("conditions_after").member(own[end:stop])
    return found and f"leaves out {found}"
