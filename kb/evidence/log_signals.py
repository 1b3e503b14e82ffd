"""What programs write → signals, by the patterns of kb/vocabulary/log_signals.yaml."""

import re
from functools import cache

from kb.patterns import PatternSet
from kb.vocabulary import table

_OVERFLOW = re.compile(
    r"OVERFLOW!|Grad overflow on iteration|[Gg]radient overflow|loss scale.{0,40}reducing to|Overflow detected"
)
# 8 is the smallest scale with which networks were trained (Micikevicius et al. 2018, section 3.2); every step skipped.
_MINIMUM = re.compile(
    r"scale (?:is )?already at minimum|[Mm]inimum loss scale|loss scale.{0,30}too small|"
    r"reducing to [0-4](?:\.\d+)?(?!\d)|step=(\d{2,}), skipped=\1\b"
)
WARM_UP_OVERFLOWS = 20  # from 2**32, the largest start of DeepSpeed's scaler, to 2**12


@cache
def _patterns() -> tuple[PatternSet, tuple[str, ...], dict[str, re.Pattern[str]]]:
    data = table("log_signals")
    rows = [(signal, pattern) for signal, entry in data.items() for pattern in entry["re"]]
    unless = {signal: re.compile(entry["not"], re.IGNORECASE) for signal, entry in data.items() if "not" in entry}
    return PatternSet([p for _, p in rows]), tuple(s for s, _ in rows), unless


def log_signals(text: str) -> list[str]:
    """The signals that one line shows, in the order of the data file."""
    patterns, signals, unless = _patterns()
    found = dict.fromkeys(signals[i] for i in patterns.match(text))
    return [s for s in found if s not in unless or not unless[s].search(text)]


def hidden_by(signal: str) -> tuple[str, ...]:
    """The signals that say more than this one of the same failure, which is then left out."""
    return tuple(table("log_signals").get(signal, {}).get("hidden_by", ()))


def overflow(text: str) -> tuple[bool, bool]:
    """Whether a line says that the loss scaler skipped a step, and that it can go no lower."""
    if "cale" not in text and "verflow" not in text and "OVERFLOW" not in text and "skipped=" not in text:
        return False, False
    return _OVERFLOW.search(text) is not None, _MINIMUM.search(text) is not None
