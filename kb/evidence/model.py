"""The typed evidence read from a paste: what DESIGN.md section 3 publishes, and what only we use.

Line numbers are 1-based and count the lines of one input as the user gave it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from kb.types import Frozen, Lang

Role = Literal["initiating", "cascade", "teardown"]
MAX_METRIC_POINTS = 500


class InitiatingError(Frozen):
    """The line that started the failure: not the last one, and not a consequence."""

    input: str
    line: int
    text: str
    kind: str  # "exception", "log" (an error line of a program), "kernel" or "signal" (a process killed)


class SignalSeen(Frozen):
    """A named sign (kb/vocabulary/signals.yaml) with the lines and the numbers behind it."""

    name: str
    input: str
    lines: tuple[int, ...] = ()
    values: tuple[float | str, ...] = ()
    steps: tuple[float, ...] = ()  # of the lines, where the log names them; numbers only
    seen_in: Literal["metric", "log", "words"] = "log"  # numbers, a program's lines, or what the person says


class ExceptionSeen(Frozen):
    """One exception or fatal line: `rank` is the process rank where the log names one."""

    type: str
    message: str
    input: str
    line: int
    rank: int | None = None
    role: Role


class MetricSeries(Frozen):
    """Logged numbers of one metric in order; NaN and inf are the strings "nan", "inf", "-inf"."""

    steps: tuple[float, ...]
    values: tuple[float | str, ...]


class VersionSeen(Frozen):
    """A version of a component that the paste names."""

    version: str
    input: str
    line: int


class ConfigFinding(Frozen):
    """A configuration value that a rule speaks about."""

    rule: str
    kind: str
    key: str
    value: Any
    input: str
    line: int
    severity: Literal["error", "warning", "info"]
    message: str
    incident: str | None = None
    url: str


class Skipped(Frozen):
    """A check that could not be made, and why."""

    check: str
    why: str


class Mentions(Frozen):
    """What prose and logs name: vocabulary components and models, hardware, number of GPUs."""

    components: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    gpus: int | None = None


class Evidence(Frozen):
    """Everything read from the inputs of one case, after redaction."""

    initiating_error: InitiatingError | None = None
    signals: tuple[SignalSeen, ...] = ()
    exceptions: tuple[ExceptionSeen, ...] = ()
    metrics: Mapping[str, MetricSeries] = Field(default_factory=dict)
    versions: Mapping[str, VersionSeen] = Field(default_factory=dict)
    config_findings: tuple[ConfigFinding, ...] = ()
    mentions: Mentions = Mentions()
    checks_run: tuple[str, ...] = ()
    checks_skipped: tuple[Skipped, ...] = ()
    redactions: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One cleaned line: `number` counts the raw lines of its input."""

    input: str
    number: int
    text: str
    rank: int | None = None
    level: str = ""  # of the logger, where the line named one: debug info warning error fatal
    machine: bool = False  # its prefix was one that no person writes


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, and the parts of the text that retrieval and the answer need."""

    evidence: Evidence
    language: Lang | None  # of the prose; None where there is no prose
    prose: str = ""  # what the person wrote in words, redacted
    notable: tuple[Line, ...] = field(default=())  # error and warning lines, redacted
    lines: tuple[Line, ...] = field(default=())  # the first lines of each input and the notable ones, redacted
    matter: tuple[Line, ...] = field(default=())  # of them what is about the problem (kb/evidence/forms.py)
