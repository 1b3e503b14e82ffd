"""A post that answers → why it happened and what to do; and which answer a confirmation speaks of. Pure.

An answer explains first and advises then: what is declared before the first advice is its explanation, as far as it
can explain anything; what tells to do something, with the code and lists that follow, is its remedy.
"""

import re
from collections.abc import Sequence

from ingest.blocks import cue
from ingest.sentences import Said
from ingest.told import Told, is_bare, outcome, shows_error, waits

_MENTION = re.compile(r"@([\w-]{2,39})")
_QUOTE = re.compile(r"^[ \t]{0,3}>[ \t]?(.+)$", re.M)
_NAME = re.compile(r"[a-z_][\w-]*[_=.\d-][\w.=-]*|\d+(?:\.\d+)+|\b[a-z]{5,}\b|(?=([\u4e00-\u9fff]{2}))")
_STEM = 6  # characters of a word by which two are the same
_NEAR = 40  # posts back to which a confirmation may refer
_NO_CAUSE = frozenset({"setting", "symptom", "tried", "aside"})
TELLS, EXPLAINS = -0.6, -1.1  # log-odds from which a sentence counts; best F1 over folds of the labelled sources


def directs(part: Said) -> bool:
    """Whether a sentence tells what to do, or what was done."""
    return part.how > TELLS and not part.code


def explains(part: Said) -> bool:
    """Whether a sentence tells why."""
    return part.why > EXPLAINS and not (part.code or is_bare(part))


def remedy(one: Told) -> list[Said]:
    """The parts of a post that tell what to do, with the code and lists that follow them."""
    if own := [p for p in one.parts if p.section == "fix"]:
        return own
    out: list[Said] = []
    follows = opened = False
    for before, part in zip([None, *one.parts], one.parts, strict=False):
        tells = directs(part)
        joins = (follows or opened) and (
            (part.code and not shows_error(part.text)) or ((opened or follows) and part.item and not follows_prose(out))
        )
        if tells and before and not (before.code or "asks" in before or before in out) and refers(part):
            out.append(before)
        if tells or joins:
            out.append(part)
        opened = part.opens or (joins and part.item) or (opened and part.item)
        follows = tells or joins
    return out


def refers(part: Said) -> bool:
    """Whether an advice names its means only by pointing back."""
    return cue("refers").search(part.text) is not None


def follows_prose(out: Sequence[Said]) -> bool:
    """Whether the last part taken is a sentence that introduces no list."""
    return bool(out) and not (out[-1].opens or out[-1].item)


def explanation(one: Told) -> list[Said]:
    """What a post tells of the cause."""
    return [p for p in one.parts if explains(p) and p.section not in _NO_CAUSE]


def helpful(one: Told) -> bool:
    """Whether a post advises something."""
    return any(directs(p) for p in one.parts) or any(p.code and not shows_error(p.text) for p in one.parts)


def rejected(told: Sequence[Told], reporter: str, before: int) -> int:
    """The place of the last reply of the reporter, before a place, that neither took an advice nor will try it."""
    replies = [t for t in told if 0 < t.number < before and t.post.author == reporter]
    return max((t.number for t in replies if outcome(t, True) is not True and not waits(t)), default=0)


def answered(told: Sequence[Told], one: Told) -> Told | None:
    """The post that a confirmation answers: whom it names, what it quotes or repeats, else the last open advice."""
    near = [t for t in told if max(0, one.number - _NEAR) < t.number < one.number]
    before = [t for t in near if t.post.author != one.post.author and t.content_or_asks]
    named = {name.lower() for name in _MENTION.findall(one.post.body)}
    by_name = [t for t in before if t.post.author.lower() in named and helpful(t)]
    if by_name:
        return by_name[-1]
    quoted = [q.strip() for q in _QUOTE.findall(one.post.body) if len(q.strip()) > 12]
    by_quote = [t for t in before if any(q[:80] in t.post.body for q in quoted) and helpful(t)]
    if by_quote:
        return by_quote[-1]
    refused = rejected(near, one.post.author, one.number)
    for group in ([t for t in before if t.number > refused and helpful(t)], [t for t in before if helpful(t)]):
        if group:
            scores = [(len(shared(one, t)), t.number, t) for t in group]
            best = max(scores, key=lambda s: s[:2])
            return best[2] if best[0] else group[-1]
    unasked = [t for t in before if t.number > refused and not t.having("asks") and t.having("caused", "because")]
    return unasked[-1] if unasked else None


def names(text: str) -> set[str]:
    """What a text names: options, numbers with a point, its long words by their stems, pairs of Chinese characters."""
    found = (m[1] or m[0] for m in _NAME.finditer(text.lower()))
    words = (w.strip("-_=.") for w in found if not cue("common").fullmatch(w))
    return {w[:_STEM] if w.isalpha() else w for w in words if w}


def shared(one: Told, other: Told) -> set[str]:
    """What both posts name, of the other only its remedy."""
    said = " ".join(p.text for p in remedy(other))
    return names(" ".join(p.text for p in one.parts)) & names(said)
