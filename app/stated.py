"""What a person states in words and no log shows: the value of a metric, a component not in use."""

import re
from collections.abc import Mapping
from functools import cache

from kb import vocabulary

_IS = (
    r"\s*(?:is|was|are|stays?|remains?|=|:|\uff1a|为|是|等于|恒为|一直是|一直为|也是|都是|全是"
    r"|always|all|at|still|constantly|\s)*\s*"
)
_NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?|zero|nan)(?![\w%])"
_NOT_USED = r"(?:no|not using|without|don'?t use|isn'?t|没有?用|没用|不用|未用|没有|无|非)\s*"


@cache
def _metric_pattern() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Spellings with an underscore or slash only: `loss is 0` is a symptom, which the words vocabulary reads."""
    names = {
        spelling.lower(): canonical
        for part in ("principal", "companion")
        for canonical, more in vocabulary.metrics()[part].items()
        for spelling in (canonical, *more)
        if re.search(r"[_/]", spelling)
    }
    longest_first = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w/])({longest_first})(?![\w/]){_IS}{_NUMBER}", re.IGNORECASE), names


def stated_metrics(prose: str) -> dict[str, list[float]]:
    """The values that the prose gives to metrics ("reward_std is 0.3"), by canonical name."""
    pattern, names = _metric_pattern()
    found: dict[str, list[float]] = {}
    for name, value in pattern.findall(prose):
        number = 0.0 if value.lower() == "zero" else float(value)
        found.setdefault(names[name.lower()], []).append(number)
    return found


@cache
def _unused_pattern() -> tuple[re.Pattern[str], Mapping[str, str]]:
    names = {spelling.lower(): name for name, more in vocabulary.components().items() for spelling in (name, *more)}
    longest_first = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
    return re.compile(rf"{_NOT_USED}({longest_first})(?![\w-])", re.IGNORECASE), names


def components_not_used(prose: str) -> set[str]:
    """The components that the prose says are not in use ("no DeepSpeed", "没用 DeepSpeed")."""
    pattern, names = _unused_pattern()
    return {names[spelling.lower()] for spelling in pattern.findall(prose)}
