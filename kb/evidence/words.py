"""What a person wrote: which lines are prose, the signals it names, and the software, models and GPUs it mentions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kb.evidence.language import function_words, han
from kb.evidence.model import Line, Mentions
from kb.evidence.tables import table
from kb.patterns import PatternSet

MAX_SENTENCE = 600
_SENTENCE = re.compile(r"[。!?!?\n;;]+|\.(?=\s|$)")
_CLAUSE = re.compile(r"[,,;;。]| but | and |但是?|而且|然后")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_CODE = re.compile(
    r"^\s*(?:[$#>%]\s|>>>|import |from \S+ import|def |class |return\b|for \w+ in|if .*:$|pip3? |python3? |torchrun |CUDA_\w+=|export |"
    r"docker |sudo |deepspeed |accelerate |vllm |--\w|- \w+: |\w[\w.]*: ?\S*$|[\w.]+\s*=\s*\S|[{}\[\]<|]|/\w|\w+\(.*\)\s*$|File \"|@|[+^~|*=_-]{3,}|\w+==[\d.])"
)
_LOGGY = re.compile(
    r"\bat 0x[0-9a-f]+|\.py:\d+|\w+=\S+ \w+=\S+|site-packages|^\s*\[|\.{3,}\s*$|Warning: |\d+%\||^\S+\.\S+\.\S+:|^Some weights|"
    r"^You should probably|^Loading |^Setting |^Using |^Special tokens|^Running |^Processing |^Starting |^Collecting |^Requirement |"
    r"^[a-z][\w.-]*: |^\w*_\w+: |^In file included|^During handling|^The above exception|^compilation terminated|^building |^note: |^CUDA SETUP|"
    r"^Building |^Installing |^Downloading |^WARNING|^ERROR|^INFO|^NOTE|^Num |^Total |^Found |^Saving |^Successfully|^Generating"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A signal that a sentence names."""

    signal: str
    line: Line


def is_prose(line: Line, few_lines: bool) -> bool:
    """Whether a person wrote the line for another person. `few_lines`: the input is short, such as a chat message."""
    text = line.text
    if line.level or line.rank is not None or not text.strip():
        return False
    if han(text) >= 2:
        return not _CODE.match(text) or han(text) >= 4
    if _CODE.match(text) or _LOGGY.search(text):
        return False
    words = len(_WORD.findall(text))
    small = function_words(text)
    if small >= 2 and words >= 4:
        return True
    return few_lines and words >= 2


def is_sentence(text: str) -> bool:
    """Whether a text has as many small words as sentences have."""
    return function_words(text) >= 3 and not _LOGGY.search(text)


_FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I've|[Mm]y|[Ww]e|[Oo]ur|me|[Aa]nyone|[Hh]ow (?:do|does|can|to|should)|[Ww]hy (?:is|does|do|are)|[Aa]ny (?:idea|help)|[Tt]hanks)\b"
    r"|\?\s*$"
)
_PERSON = re.compile(r"\b(?:i|i'm|i've|my|me|we|our|please|help|anyone|why|how)\b|\?", re.IGNORECASE)


def speaks(text: str) -> bool:
    """Whether a line that quotes a failure is nevertheless a person's sentence."""
    return han(text) >= 2 or (_PERSON.search(text) is not None and function_words(text) >= 2)


def addresses(text: str) -> bool:
    """Whether a line is surely written by one person to others."""
    return han(text) >= 2 or _FIRST_PERSON.search(text) is not None


def prose_lines(lines: Sequence[Line], machine: Iterable[int]) -> list[Line]:
    """The prose among `lines`; `machine` holds the positions that are known to be a program's output.

    English without Chinese beside it also looks like a program's messages. So in a longer text it counts only in a
    block of lines that speaks to somebody, or that opens or closes the text.
    """
    known, few = set(machine), len(lines) <= 4
    filled = [i for i, line in enumerate(lines) if line.text.strip()]
    ends = {filled[0], filled[-1]} if filled else set()
    out: list[Line] = []
    for block in _blocks(lines, known, few and not known):
        speaks_up = few or any(i in ends or _FIRST_PERSON.search(lines[i].text) for i in block)
        out.extend(lines[i] for i in block if speaks_up or han(lines[i].text) >= 2)
    return out


def _blocks(lines: Sequence[Line], known: set[int], few: bool) -> Iterator[list[int]]:
    """Runs of neighbouring lines that may be prose, outside code fences."""
    fenced, block = False, []
    for position, line in enumerate(lines):
        fence = _FENCE.match(line.text) is not None
        fenced = fenced != fence
        if fence or fenced or position in known or not is_prose(line, few):
            if block:
                yield block
            block = []
        else:
            block.append(position)
    if block:
        yield block


# --- signals ----------------------------------------------------------------------


@cache
def _phrases() -> tuple[PatternSet, tuple[tuple[str, re.Pattern[str]], ...]]:
    rows = [(signal, phrase) for signal, phrases in table("words")["signals"].items() for phrase in phrases]
    return PatternSet([p for _, p in rows]), tuple((s, re.compile(p, re.IGNORECASE)) for s, p in rows)


@cache
def _negations() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    data = table("words")["negation"]
    return tuple(re.compile(data[key], re.IGNORECASE) for key in ("before", "after", "not_negation"))  # type: ignore[return-value]


def negated(sentence: str, start: int, end: int) -> bool:
    """Whether the phrase at `start`:`end` is denied or said to be over in its clause."""
    before, after, exempt = _negations()
    cuts = [m.end() for m in _CLAUSE.finditer(sentence, 0, start)]
    clause = sentence[cuts[-1] if cuts else 0 : start]
    if before.search(clause) and not exempt.search(clause):
        return True
    return after.search(sentence[end : end + 60]) is not None


def sentences(text: str) -> list[str]:
    """The sentences of a line, each cut at MAX_SENTENCE characters."""
    return [piece[:MAX_SENTENCE] for piece in _SENTENCE.split(text) if piece.strip()]


def denied(sentence: str) -> bool:
    """Whether a sentence denies what it ends with, or says that it is over."""
    return any(negated(sentence, at, len(sentence)) for at in range(0, len(sentence), 8)) or negated(sentence, 0, 0)


def spoken(lines: Sequence[Line]) -> list[Spoken]:
    """The signals that prose lines name, in order, negations left out."""
    phrases, known = _phrases()
    out: list[Spoken] = []
    for line in lines:
        for piece in sentences(line.text):
            for index in phrases.match(piece):
                signal, pattern = known[index]
                found = pattern.search(piece)
                if found and not negated(piece, found.start(), found.end()):
                    out.append(Spoken(signal, line))
    said = {item.signal for item in out}
    hidden = {less for signal in said for less in table("words")["says_more"].get(signal, ())}
    return [item for item in out if item.signal not in hidden]


# --- mentions ---------------------------------------------------------------------


@cache
def _vocabulary(name: str) -> tuple[PatternSet, tuple[str, ...]]:
    """Whole words: not inside a longer word, and a version that goes on (qwen3 in qwen3.5) is another word."""
    data: Mapping[str, Sequence[str] | None] = table(name)
    rows = []
    for key, more in data.items():
        for spelling in ([] if name == "hardware" else [key]) + list(more or ()):
            rows.append((key, rf"(?:^|[^a-z0-9]){re.escape(spelling)}(?:$|[^a-z0-9.]|\.[^0-9]|\.$)"))
    return PatternSet([p for _, p in rows]), tuple(k for k, _ in rows)


def named(name: str, text: str) -> list[str]:
    """Entries of kb/vocabulary/<name>.yaml that the text names, most specific only."""
    patterns, keys = _vocabulary(name)
    found = list(dict.fromkeys(keys[i] for i in patterns.match(text)))
    return [k for k in found if not any(o != k and o.startswith(k + "-") for o in found)] if name == "models" else found


_ZH_COUNT = {"单": 1, "一": 1, "双": 2, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "八": 8, "十六": 16, "十": 10}
_CARD = r"(?:A\d{2,4}|H\d{2,3}|H20|V100|T4|L\d{1,2}S?|[2345]0[6-9]0(?: ?Ti|D)?|B200|B300|910\w?|MI\d{3}\w?|P40|P100|RTX ?\w+|Ascend ?\w+)"
_COUNTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("machines", re.compile(r"(\d{1,3}) ?(?:nodes?|machines?|机|台)\D{0,10}(\d{1,2}) ?(?:x|×|\*|gpus?|卡|张)", re.I)),
    ("number", re.compile(rf"(?<![\w.])(\d{{1,4}}) ?(?:x|×|\*) ?(?:NVIDIA |Tesla |RTX |GeForce |AMD |Ascend |昇腾 ?)?{_CARD}\b", re.I)),
    ("number", re.compile(rf"\b{_CARD}(?:[ -]?\d{{2,3}} ?GB?)? ?(?:x|×|\*) ?(\d{{1,4}})(?![\w.])", re.I)),
    ("number", re.compile(r"(?<![\w.])(\d{1,4}) ?(?:个|张|块|片)? ?(?:卡|显卡|gpus?\b|npus?\b|cards\b|GPU卡)", re.I)),
    ("number", re.compile(rf"(?<![\w.])(\d{{1,4}}) ?(?:个|张|块|片)? ?(?:NVIDIA |Tesla |RTX |昇腾 ?)?{_CARD}s?\b", re.I)),
    ("word", re.compile(rf"(十六|[单一双两二三四五六八十])(?:个|张|块|片)? ?(?:卡|显卡|gpu|{_CARD})", re.I)),
    ("single", re.compile(r"\b(?:single|one)[ -](?:gpu|card|a100|h100|4090|3090|v100)\b", re.I)),
    ("english", re.compile(r"\b(two|four|eight|sixteen) (?:gpus|cards|a100s?|h100s?|4090s?|3090s?)\b", re.I)),
    ("number", re.compile(r"(?:nproc[_-]per[_-]node|num_processes|world[ _]size|num_gpus|n_gpus_per_node|--gpus)[ =:]+(\d{1,4})\b", re.I)),
)
_ENGLISH = {"two": 2, "four": 4, "eight": 8, "sixteen": 16}
_VISIBLE = re.compile(r"CUDA_VISIBLE_DEVICES=[\"']?((?:\d+,)*\d+)")


def gpu_count(text: str) -> int | None:
    """The number of GPUs that a text names."""
    for kind, pattern in _COUNTS:
        found = pattern.search(text)
        if found is None:
            continue
        if kind == "machines":
            return int(found[1]) * int(found[2])
        count = {"single": 1}.get(kind) or _ZH_COUNT.get(found[1]) or _ENGLISH.get(found[1].lower()) or int(found[1])
        return count if 0 < count <= 100_000 else None
    visible = _VISIBLE.search(text)
    return visible[1].count(",") + 1 if visible else None


def mentions(prose: Sequence[Line], others: Sequence[Line]) -> Mentions:
    """What the lines name; what prose names comes first."""
    texts = [line.text[:MAX_SENTENCE] for line in (*prose, *others)]
    got = {name: list(dict.fromkeys(x for t in texts for x in named(name, t))) for name in ("components", "models", "hardware")}
    gpus = next((n for t in texts if (n := gpu_count(t)) is not None), None)
    return Mentions(
        components=tuple(got["components"]), models=tuple(got["models"]), hardware=tuple(got["hardware"]), gpus=gpus
    )
