"""One raw log line → its text without colours and prefixes, with the rank and the level that the prefixes named.

The prefixes are ordered data: what launchers, containers and loggers put in front of a program's own words.
"""

import html
import json
import re
from typing import NamedTuple

from kb.evidence.model import Line

MAX_LINE = 8192  # characters; longer lines are cut, which bounds the time any one line can take
_MAX_PREFIXES = 8

# Colours, and colours whose escape character was lost in copying ("[36m(Worker pid=1)[0m").
ANSI = re.compile(
    r"(?:\x1b|\^\[|\u241b)(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[()][A-Z0-9])|"
    r"\[\d{1,3}(?:;\d{1,3}){0,4}m|\[0?K"
)
_MAY_HAVE_ANSI = re.compile(r"[\x1b\u241b]|\[[\d;]{0,12}m|\^\[")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\ufeff]")

_ENTITY = re.compile(r"&(?:quot|#39|#x27|gt|lt|amp|nbsp);")

_LEVELS = "DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|EXCEPTION|Warning|Info|Error|Debug"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,:]\d{1,9})?(?: ?[AP]M)?"
_DAY = r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d/\d\d/\d{4}|\d\d-\d\d|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d)"
_STAMP = rf"{_DAY}[T ]{{1,2}}{_CLOCK}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"

_SOURCE = r"[\w./-]+\.(?:cpp|cc|cu|h|hpp|ts|go|py)"
_BARE = rf"(?P<level_g>{_LEVELS})(?= (?:- )?[\[\w])(?<=[A-Z])"

# name, pattern, why it appears
PREFIXES: tuple[tuple[str, str, str], ...] = (
    (
        "std_format",
        rf"{_STAMP} - (?:[\w.]{{1,80}} - )?(?P<level_k>{_LEVELS}) -(?= )",
        "the usual format of Python's logging",
    ),
    ("sglang", rf"\[{_STAMP}(?: (?:DP|TP|PP|EP)\d+)+\]", "SGLang schedulers"),
    ("stamp", rf" ?\[?{_STAMP}(?: \d{{4}})?\]?(?: - |:)?", "most loggers, docker logs -t, kubectl logs --timestamps"),
    (
        "journal",
        r"(?<=:\d\d )[\w.-]{1,60} (?!kernel)[\w.@-]{1,40}\[\d{1,8}\]:(?= |$)|-- Journal begins",
        "journald, syslog",
    ),
    ("cri", r"std(?:out|err) [FP] ", "containerd log files"),
    ("level_at", rf"\[?(?P<level_a>{_LEVELS})\]?(?: {_STAMP}| {_CLOCK})? \[[\w./-]+\.py:\d+\](?: -)?", "vLLM"),
    ("hf_level", rf"\[(?P<level_b>{_LEVELS})\|[^\]\n]{{0,80}}\](?: {_STAMP})?(?: [\w.]+:\d+)?(?: >>)?", "transformers"),
    ("loguru", rf"\| (?P<level_c>{_LEVELS})\s*\| [\w.<>]+:[\w<>]+:\d+ -", "loguru"),
    ("glog", rf"\[?(?P<level_d>[IWEF])\d{{0,4}} ?(?:{_CLOCK} +)?(?:\d+ )?{_SOURCE}:\d+\]", "torch's C++ side, glog"),
    ("rank_tag", r"\[(?:rank|Rank|RANK|default|node)[ _:=]?(?P<rank_a>\d{1,5})\]:?", "torchrun, DeepSpeed"),
    ("rank_word", r"(?:\(rank[ :=]?(?P<rank_b>\d{1,5})\)|[Rr]ank[ _](?P<rank_c>\d{1,5}) ?:)", "home-made prefixes"),
    ("actor", r"\(\w[\w.]{0,60}(?: rank=(?P<rank_d>\d+))?(?:[ _-]?[TDP]P\d+)* pid=\d+(?:, ip=[^)]{3,40})?\)", "Ray"),
    ("raylet", r"\((?:raylet|autoscaler|gcs_server)(?:, ip=[^)]{3,40})?\)", "Ray's own processes"),
    ("repeated", r"\[repeated \d+x across cluster\]", "Ray"),
    ("kernel", r"(?:\S{1,40} )?kernel: ?(?:\[ *\d+\.\d+\])?|\[ *\d{1,9}\.\d{6}\]", "dmesg, syslog"),
    ("python_log", r"\[[\w./-]+\.py:\d+(?::\w+)?\]", "DeepSpeed"),
    ("level", rf"\[(?P<level_e>{_LEVELS})(?::\w+)?\]:?|(?P<level_f>{_LEVELS}):(?:[\w.]+:)?(?=\s)|{_BARE}", "loggers"),
    (
        "pod",
        r"\[(?:pod/)?[a-z][\w.-]{1,80}/[\w./-]{1,80}\] |\[(?:pod|container)[/:][^\]\s]{1,120}\] ",
        "kubectl --prefix",
    ),
    ("compose", r"[\w.-]{1,60}(?:-\d+|_\d+)? +\| ", "docker compose"),
    (
        "mpi",
        r"\[1,(?:mpirank:)?(?P<rank_e>\d{1,5})(?:,[\w-]{1,40})?\]<std(?:out|err)>:",
        "mpirun --tag-output, SageMaker",
    ),
    ("wandb", r"wandb:", "Weights & Biases' console"),
    ("named", rf"\[[A-Z][\w-]{{1,30}}\] ?\[(?P<level_h>{_LEVELS})\]", "TensorRT-LLM, TurboMind"),
    (
        "group",
        r" {2,60}\| (?=Traceback| {2,}\S|[\w.]+(?:Error|Exception\w*|Interrupt|Timeout)\b)",
        "tracebacks of exception groups",
    ),
    ("dash", r"- (?=\w)", "the hyphens of logging format strings"),
    ("pid", r"\[?(?:pid|PID)[ :=]\d+\]?:?", "process ids"),
    ("clock", rf"\[?{_CLOCK}\]?", "bare clocks"),
    ("quote", r">(?= |$)", "Markdown and e-mail quotes"),
)
_ALL = "|".join(f"(?P<{name}>{pattern})" for name, pattern, _ in PREFIXES)
_FIRST, _NEXT = re.compile(_ALL), re.compile(f" *(?:{_ALL})")
_INNER = {name: tuple(re.findall(r"\?P<(\w+)>", pattern)) for name, pattern, _ in PREFIXES}
_QUIET = {"i": "info", "w": "warning", "e": "error", "f": "fatal"}
_QUIET |= {"warn": "warning", "critical": "fatal", "exception": "error", "notice": "info"}
# Behind these no person writes.
_MACHINE = frozenset(("journal", "cri", "actor", "raylet", "sglang", "kernel", "pod", "mpi", "wandb", "group"))


class Cleaned(NamedTuple):
    """A line's own text (its indentation kept), and what its prefixes said."""

    text: str
    rank: int | None
    level: str
    machine: bool = False  # whether a prefix was one that no person writes


def plain(text: str) -> str:
    """`text` without terminal colours, control characters, HTML entities and the frame of Docker's log files."""
    if text.startswith('{"log":'):
        text = _framed(text)
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    text = text.replace("\xa0", " ")
    if ("[" in text or "\x1b" in text) and _MAY_HAVE_ANSI.search(text):
        text = ANSI.sub("", text)
    return text if text.isprintable() else _CONTROL.sub("", text)


def has_known_prefix(text: str) -> bool:
    """Whether a raw line begins with a prefix of the table."""
    return _FIRST.match(text) is not None


def _framed(text: str) -> str:
    """The text of a line of Docker's json-file logs; the line itself where it is none."""
    try:
        inner = json.loads(text)["log"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return text
    return inner.rstrip("\r\n").replace("\n", " ") if isinstance(inner, str) else text


def clean(raw: str) -> Cleaned:
    """Strip colours and prefixes of one line, which has no line feed in it.

    A level that stands alone ("ERROR: No matching distribution") is part of the message and stays.
    """
    text = plain(raw)
    rank, level, end, only_level, machine = None, "", 0, True, False
    for _ in range(_MAX_PREFIXES):
        found = _NEXT.match(text, end) if end else _FIRST.match(text)
        if found is None:
            break
        end = found.end()
        kind = found.lastgroup or ""
        only_level = only_level and kind == "level"
        machine = machine or kind in _MACHINE
        for group in _INNER[kind]:
            value = found.group(group)
            if value and group.startswith("rank"):
                rank = int(value)
            elif value:
                level = value.lower()
    level = _QUIET.get(level, level)
    if end == 0 or only_level:
        return Cleaned(text, rank, level)
    return Cleaned(text[end + 1 :] if text[end : end + 1] == " " else text[end:], rank, level, machine)


_FIELD = re.compile(r"\blevel[\"']?[=:] ?[\"']?(debug|info|warn(?:ing)?|error|critical|fatal)\b", re.IGNORECASE)


def _field_level(text: str) -> str:
    """The level of a structured line: JSON, or level=ERROR."""
    found = _FIELD.search(text[:400]) if "level" in text else None
    return _QUIET.get(found[1].lower(), found[1].lower()) if found else ""


def to_line(name: str, number: int, raw: str) -> Line:
    """The cleaned Line of one raw line."""
    text, rank, level, machine = clean(raw[:MAX_LINE])
    return Line(name, number, text, rank, level or _field_level(text), machine)
