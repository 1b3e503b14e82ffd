"""What goes in and comes out of a diagnosis: the JSON of the command line, REST and MCP (casebook/diagnosis/1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from kb.evidence.model import Evidence
from kb.types import CauseKind, CauseStatus, FixStatus, Frozen, Lang

SCHEMA: Literal["casebook/diagnosis/1"] = "casebook/diagnosis/1"
SCHEMA_FILE = Path(__file__).with_name("diagnosis.schema.json")

Verdict = Literal["diagnosed", "ambiguous", "insufficient", "no_match"]
ReasonCode = Literal["matched", "rivals_remain", "too_little", "unknown_problem", "nothing_wrong_seen", "off_topic"]
Probability = Annotated[float, Field(ge=0, le=1)]
MAX_CAUSES, MAX_SIMILAR = 5, 3


class File(Frozen):
    """A log, configuration or other text file that belongs to the case."""

    name: str
    content: str


class GivenAnswer(Frozen):
    """The user's answer to a check of an earlier diagnosis."""

    check: str
    value: Literal["yes", "no", "unknown"]


class Request(Frozen):
    """One turn of a case; needs text, files or answers."""

    text: str | None = None
    files: tuple[File, ...] = ()
    language: Literal["auto", "en", "zh"] = "auto"
    case: str | None = None
    answers: tuple[GivenAnswer, ...] = ()
    use_model: bool = True


class KbInfo(Frozen):
    """Which base the answer came from."""

    version: str
    digest: str
    incidents: int


class Writer(Frozen):
    """Who worded the answer; `fallback_reason` says why a configured model did not."""

    kind: Literal["composed", "model"] = "composed"
    model: str | None = None
    fallback_reason: str | None = None


class SupportRef(Frozen):
    """A line of the paste that speaks for a cause."""

    input: str
    line: int


class VersionVerdict(Frozen):
    """How the versions in the paste stand to the versions of an incident."""

    verdict: Literal["affected", "fixed", "not_affected", "unknown"]
    detail: str


class CitedSource(Frozen):
    """A source as the answer cites it; `n` is unique within the diagnosis."""

    n: int
    url: str
    shows: str


class Cause(Frozen):
    """One possible cause. Confidence is the probability that this incident is the cause."""

    rank: int
    problem: int = 1
    incident: str
    title: str
    confidence: Probability
    cause: str
    cause_kind: CauseKind
    cause_status: CauseStatus
    fix: str
    fix_status: FixStatus
    check: str
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    support_refs: tuple[SupportRef, ...] = ()
    versions: VersionVerdict
    url: str
    sources: tuple[CitedSource, ...]


class Similar(Frozen):
    """An incident that looks alike and was not taken for the cause."""

    incident: str
    title: str
    why_not: str


class NextCheck(Frozen):
    """A check that would split what remains; `if_yes` and `if_no` are the incidents still possible then."""

    id: str
    do: str
    how: str
    cost: int
    if_yes: tuple[str, ...]
    if_no: tuple[str, ...]


class Diagnosis(Frozen):
    """The answer to one turn; every human-readable string is in `language`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    schema_: Literal["casebook/diagnosis/1"] = Field(default=SCHEMA, alias="schema")
    id: str | None = None
    case: str
    language: Lang
    kb: KbInfo
    verdict: Verdict
    reason_code: ReasonCode
    reason: str
    ask: str | None = None
    answer: str
    writer: Writer = Writer()
    causes: tuple[Cause, ...] = Field(default=(), max_length=MAX_CAUSES)
    similar: tuple[Similar, ...] = Field(default=(), max_length=MAX_SIMILAR)
    next_checks: tuple[NextCheck, ...] = ()
    evidence: Evidence
    timings_ms: Mapping[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiagnosisReady:
    """The first event of a turn: all but `answer`, which is empty."""

    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class SentenceReady:
    """A verified piece of Markdown with its own separators: append it to the answer as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last event: the whole; `answer` is all sentences joined."""

    diagnosis: Diagnosis


Event = DiagnosisReady | SentenceReady | Done


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a diagnosis, as published in diagnosis.schema.json."""
    schema = Diagnosis.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}
