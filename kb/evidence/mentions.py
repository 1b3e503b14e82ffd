"""The software, models, hardware and number of GPUs that a text names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from kb.evidence.language import half_width
from kb.evidence.model import Line, Mentions
from kb.patterns import PatternSet
from kb.vocabulary import table

MAX_TEXT = 600


def _whole(spelling: str) -> str:
    """A whole word: not inside a longer one; where a version goes on (qwen3 in qwen3.5) it is another."""
    return rf"(?:^|[^a-z0-9]){re.escape(spelling)}(?:$|[^a-z0-9.]|\.[^0-9]|\.$)"


@cache
def _vocabulary(name: str) -> tuple[PatternSet, tuple[str, ...]]:
    """All spellings as patterns, and the name that each stands for."""
    data: Mapping[str, Sequence[str] | None] = table(name)
    rows = []
    for key, more in data.items():
        for spelling in ([] if name == "hardware" else [key]) + list(more or ()):
            rows.append((key, _whole(spelling)))  # noqa: PERF401
    return PatternSet([p for _, p in rows]), tuple(k for k, _ in rows)


def named(name: str, text: str) -> list[str]:
    """Entries of kb/vocabulary/<name>.yaml that the text names, most specific only."""
    patterns, keys = _vocabulary(name)
    found = list(dict.fromkeys(keys[i] for i in patterns.match(text)))
    if name != "models":
        return found
    return [k for k in found if not any(other.startswith(k + "-") for other in found)]


_ZH_COUNT = {"单": 1, "双": 2, "两": 2, "十六": 16} | {word: n for n, word in enumerate("零一二三四五六七八九十")}
_CARD = (
    r"(?:A\d{2,4}|H\d{2,3}|H20|V100|T4|L\d{1,2}S?|[2345]0[6-9]0(?: ?Ti|D)?|B200|B300|910\w?|MI\d{3}\w?|P40|P100|"
    r"RTX ?\w+|Ascend ?\w+)"
)
_MAKER = r"(?:NVIDIA |Tesla |RTX |GeForce |AMD |Ascend |昇腾 ?)?"
_COUNTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("number", re.compile(r"\d{1,3} ?(?:机|台)\D{0,6}(1[0-9]|[2-9]\d|\d{3,4}) ?卡")),  # "2 机 16 卡" gives the total
    ("machines", re.compile(r"(\d{1,3}) ?(?:nodes?|machines?|机|台)\D{0,10}(\d{1,2}) ?(?:x|×|\*|gpus?|卡|张)", re.I)),
    ("number", re.compile(rf"(?<![\w.])(\d{{1,4}}) ?(?:x|×|\*) ?{_MAKER}{_CARD}\b", re.I)),
    ("number", re.compile(rf"\b{_CARD}(?:[ -]?\d{{2,3}} ?GB?)? ?(?:x|×|\*) ?(\d{{1,4}})(?![\w.])", re.I)),
    ("number", re.compile(r"(?<![\w.])(\d{1,4}) ?(?:个|张|块|片)? ?(?:卡|显卡|gpus?\b|npus?\b|cards\b|GPU卡)", re.I)),
    ("number", re.compile(rf"(?<![\w.])(\d{{1,4}}) ?(?:个|张|块|片)? ?{_MAKER}{_CARD}s?\b", re.I)),
    ("word", re.compile(rf"(十六|[单一双两二三四五六八十])(?:个|张|块|片)? ?(?:卡|显卡|gpu|{_CARD})", re.I)),
    ("single", re.compile(r"\b(?:single|one)[ -](?:gpu|card|a100|h100|4090|3090|v100)\b", re.I)),
    ("english", re.compile(r"\b(two|four|eight|sixteen) (?:gpus|cards|a100s?|h100s?|4090s?|3090s?)\b", re.I)),
    ("number", re.compile(r"(?:nproc[_-]per[_-]node|num_processes|world[ _]size|n(?:um)?_gpus\w*)[ =:]+(\d{1,4})\b")),
)
_ENGLISH = {"single": 1, "two": 2, "four": 4, "eight": 8, "sixteen": 16}
_VISIBLE = re.compile(r"CUDA_VISIBLE_DEVICES=[\"']?((?:\d+,)*\d+)")


def gpu_count(text: str) -> int | None:
    """The number of GPUs that a text names."""
    for kind, pattern in _COUNTS:
        found = pattern.search(text)
        if found is None:
            continue
        if kind == "machines":
            return int(found[1]) * int(found[2])
        word = "single" if kind == "single" else found[1].lower()
        count = _ZH_COUNT.get(word) or _ENGLISH.get(word) or int(word)
        return count if 0 < count <= 100_000 else None
    visible = _VISIBLE.search(text)
    return visible[1].count(",") + 1 if visible else None


def mentions(prose: Sequence[Line], matter: Sequence[Line], lines: Sequence[Line]) -> Mentions:
    """What prose and the lines about the problem name, prose first; hardware of all lines, listings included."""
    told = [half_width(line.text[:MAX_TEXT]) for line in (*prose, *matter)]
    texts = [*told, *(half_width(line.text[:MAX_TEXT]) for line in lines)]
    components, models = (_all_named(name, told) for name in ("components", "models"))
    hardware = _all_named("hardware", texts)
    gpus = next((n for t in texts if (n := gpu_count(t)) is not None), None)
    return Mentions(components=components, models=models, hardware=hardware, gpus=gpus)


def _all_named(name: str, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry for text in texts for entry in named(name, text)))
