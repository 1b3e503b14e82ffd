"""A post that answers → why it happened and what to do; and which answer a confirmation speaks of. Pure.

An answer explains first and advises then: what is declared before the first advice is its explanation, as far as it
can explain anything; what tells to do something, with the code and lists that follow, is its remedy.
"""

import re
from collections.abc import Sequence

from ingest.blocks import cue
from ingest.sentences import Said
from ingest.told import Told, is_bare, shows_error

_NAME = re.compile(r"[a-z_][\w-]*[_=.\d-][\w.=-]*|\d+(?:\.\d+)+|\b[a-z]{5,}\b|(?=([\u4e00-\u9fff]{2}))")
_STEM = 6  # characters of a word by which two are the same
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


def names(text: str) -> set[str]:
    """What a text names: options, numbers with a point, its long words by their stems, pairs of Chinese characters."""
    found = (m[1] or m[0] for m in _NAME.finditer(text.lower()))
    words = (w.strip("-_=.") for w in found if not cue("common").fullmatch(w))
    return {w[:_STEM] if w.isalpha() else w for w in words if w}
