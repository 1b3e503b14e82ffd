"""The sentences of a post or section → why it happened, and what to do; what a text names. Pure."""

import re
from collections.abc import Sequence

from ingest.blocks import cue
from ingest.sentences import NOTHING, Said
from ingest.told import is_bare, shows_error

_NAME = re.compile(r"[a-z_][\w-]*[_=.\d-][\w.=-]*|\d+(?:\.\d+)+|\b[a-z]{5,}\b|(?=([\u4e00-\u9fff]{2}))")
_STEM = 6  # characters of a word by which two are the same
_NO_CAUSE = frozenset({"setting", "symptom", "tried", "aside"})
# Log-odds from which a sentence counts; best F1 over folds of the labelled sources.
TELLS, EXPLAINS, SEEN = -0.6, -1.1, -0.8
LEAST = -8.0  # log-odds below which a sentence can be no advice at all
FLOOR, GAP = -2.4, 2.0  # in a text that is chosen: log-odds below which none counts, and behind its best


def directs(part: Said) -> bool:
    """Whether a sentence tells what to do, or what was done."""
    return part.how > TELLS and not part.code


def _counts(logit: float, best: float, enough: float) -> bool:
    """Whether a sentence counts in a text where the best has that logit: by itself, or as it hardly stands behind."""
    return logit > enough or (logit > FLOOR and logit > best - GAP)


def remedy(parts: Sequence[Said]) -> list[Said]:
    """The parts of a post or section that tell what to do, with the code and lists that follow them."""
    if own := [p for p in parts if p.section == "fix"]:
        return own
    best = max((p.how for p in parts), default=NOTHING)
    out: list[Said] = []
    follows = opened = False
    for before, part in zip([None, *parts], parts, strict=False):
        tells = not part.code and part.how >= part.why and _counts(part.how, best, TELLS)
        joins = (follows or opened) and (
            (part.code and not shows_error(part.text)) or ((opened or follows) and part.item and not follows_prose(out))
        )
        if tells and before and not (before.code or "asks" in before or before in out[-1:]) and refers(part):
            out.append(before)
        if tells or joins:
            out.append(part)
        opened = part.opens or (joins and part.item) or (opened and part.item)
        follows = tells or joins
    return out or [p for p in parts if p.how == best and directs(p)]


def refers(part: Said) -> bool:
    """Whether an advice names its means only by pointing back."""
    return cue("refers").search(part.text) is not None


def follows_prose(out: Sequence[Said]) -> bool:
    """Whether the last part taken is a sentence that introduces no list."""
    return bool(out) and not (out[-1].opens or out[-1].item)


def explanation(parts: Sequence[Said]) -> list[Said]:
    """What a post or section tells of the cause."""
    some = [p for p in parts if not (p.code or is_bare(p)) and p.section not in _NO_CAUSE]
    best = max((p.why for p in some), default=NOTHING)
    return [p for p in some if _counts(p.why, best, EXPLAINS)]


def seen_in(parts: Sequence[Said]) -> list[Said]:
    """What of a report tells what was seen: its code and the sentences that say so."""
    best = max((p.seen for p in parts if not p.code), default=NOTHING)
    return [p for p in parts if p.code or _counts(p.seen, best, SEEN)] if best > NOTHING else []


def helpful(parts: Sequence[Said]) -> bool:
    """Whether a post may advise something."""
    return any((p.code and not shows_error(p.text)) or (p.how > LEAST and not is_bare(p)) for p in parts)


def names(text: str) -> set[str]:
    """What a text names: options, numbers with a point, its long words by their stems, pairs of Chinese characters."""
    found = (m[1] or m[0] for m in _NAME.finditer(text.lower()))
    words = (w.strip("-_=.") for w in found if not cue("common").fullmatch(w))
    return {w[:_STEM] if w.isalpha() else w for w in words if w}
