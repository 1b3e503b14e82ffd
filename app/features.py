"""Evidence and retrieval → candidate causes with named features and the reasons behind them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from app.checks import Answered, Answers, verdict_of
from app.diagnosis import SupportRef, VersionVerdict
from app.stated import components_not_used
from app.texts import say
from kb import vocabulary
from kb.catalog import Catalog
from kb.evidence.model import Evidence, Reading, SignalSeen
from kb.retrieval import Hit
from kb.signatures import SignatureHit
from kb.terms import Held
from kb.types import Incident, Lang
from kb.versions import judge

MAX_CANDIDATES = 40
FOREIGN_WEIGHT = 20.0  # about four names that no incident has: more says no more
LEADS = (
    ("relative", "lexical_lead"),
    ("dense", "dense_lead"),
    ("asked", "asked_lead"),
    ("told", "told_lead"),
    ("learned", "learned_lead"),
    ("rerank", "rerank_lead"),
)


# The metric whose presence makes a signal's absence speak: a signal not seen in a series that was given.
_METRIC_OF: Sequence[tuple[str, str]] = (
    ("reward-std", "reward_std"),
    ("reward", "reward"),
    ("eval-loss", "eval_loss"),
    ("loss-scale", "loss_scale"),
    ("loss", "loss"),
    ("grad-spike", "grad_norm"),
    ("grad", "grad_norm"),
    ("lr", "learning_rate"),
    ("kl", "kl"),
    ("entropy", "entropy"),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A text key and its fields: worded only when the language is known."""

    key: str
    fields: Mapping[str, Any]

    def text(self, lang: Lang) -> str:
        """The reason as a sentence."""
        return say(self.key, lang, **{k: v[lang] if isinstance(v, dict) else v for k, v in self.fields.items()})


@dataclass(slots=True)
class Candidate:
    """A possible cause: its features by name (0 where absent), and why."""

    incident: Incident
    features: dict[str, float] = field(default_factory=dict)
    supports: list[Reason] = field(default_factory=list)
    contradicts: list[Reason] = field(default_factory=list)
    refs: list[SupportRef] = field(default_factory=list)
    versions: VersionVerdict | None = None


def candidates(
    reading: Reading,
    hits: Sequence[Hit],
    found: Sequence[SignatureHit],
    names: Held,
    catalog: Catalog,
    answers: Answers,
) -> list[Candidate]:
    """The incidents that retrieval, signatures or signals bring up, with their features.

    `names`: how much of the names of things in the question each incident holds.
    """
    by_hit = {hit.incident: hit for hit in hits}
    floor = min((hit.dense for hit in hits), default=0.0)
    nowhere = Hit("", "en", 0.0, dense=floor, asked=floor, lexical=0.0, told=0.0, learned=0.0)
    by_signature: dict[str, list[SignatureHit]] = {}
    for signature in found:
        by_signature.setdefault(signature.incident, []).append(signature)
    chosen = _choose(hits, by_signature, reading.evidence.signals, catalog)
    sharing = _sharing(found)
    not_used = components_not_used(reading.prose)
    named = {*reading.evidence.mentions.components, *_versions_told(reading)}
    result = []
    for name in chosen:
        candidate = Candidate(catalog.incidents[name])
        _add_retrieval(candidate, by_hit.get(name) or nowhere)
        _add_names(candidate, names)
        _add_signatures(candidate, by_signature.get(name, []), sharing, reading)
        _add_signals(candidate, reading.evidence)
        _add_components(candidate, reading.evidence, named, not_used)
        _add_versions(candidate, reading.evidence)
        _add_config(candidate, reading.evidence)
        _add_answers(candidate, catalog, answers)
        result.append(candidate)
    add_leads(result)
    return result


def add_leads(found: Sequence[Candidate]) -> None:
    """Set the features that compare a candidate with the best other one."""
    for feature, lead in LEADS:
        _add_lead(found, feature, lead)


def _add_lead(found: Sequence[Candidate], feature: str, lead: str) -> None:
    """How far a candidate is ahead of the best other one, negative for those behind: a clear winner is seldom wrong."""
    best, second = [*sorted((c.features.get(feature, 0.0) for c in found), reverse=True), 0.0, 0.0][:2]
    for candidate in found:
        own = candidate.features.get(feature, 0.0)
        candidate.features[lead] = own - (second if own == best else best)


def _choose(
    hits: Sequence[Hit], by_signature: Mapping[str, Any], signals: Sequence[SignalSeen], catalog: Catalog
) -> list[str]:
    """Signatures first, then the best hits, then whatever shares the most signals with the paste."""
    shared = Counter(name for signal in {s.name for s in signals} for name in catalog.by_signal.get(signal, ()))
    sharing = sorted(shared, key=lambda name: (-shared[name], name not in catalog.grouped, name))[:MAX_CANDIDATES]
    ordered = [*by_signature, *(h.incident for h in hits[:MAX_CANDIDATES]), *sharing]
    return [name for name in dict.fromkeys(ordered) if name in catalog.incidents]


def _sharing(found: Iterable[SignatureHit]) -> dict[int, int]:
    """Line → how many incidents have a signature on it."""
    owners: dict[int, set[str]] = {}
    for hit in found:
        owners.setdefault(hit.line, set()).add(hit.incident)
    return {line: len(ids) for line, ids in owners.items()}


def _add_names(candidate: Candidate, names: Held) -> None:
    whole, held = names
    candidate.features["foreign"] = min((whole - held.get(candidate.incident.id, 0.0)) / FOREIGN_WEIGHT, 1.0)


def _add_retrieval(candidate: Candidate, hit: Hit) -> None:
    candidate.features |= {"dense": hit.dense, "asked": hit.asked}
    candidate.features |= {"relative": hit.lexical, "told": hit.told, "learned": hit.learned}
    if hit.told > 0.4 or hit.dense > 0.5:
        candidate.supports.append(Reason("s_words", {}))


def _add_signatures(
    candidate: Candidate, found: Sequence[SignatureHit], sharing: Mapping[int, int], reading: Reading
) -> None:
    incident = candidate.incident
    if not found and reading.evidence.initiating_error:
        candidate.features["error_unmatched" if incident.signatures else "error_unexplained"] = 1.0
    if not found:
        return
    candidate.features["signature"] = max(1.0 / sharing[hit.line] for hit in found)
    start = reading.evidence.initiating_error
    for hit in found[:3]:
        line = reading.lines[hit.line]
        if start and (line.input, line.number) == (start.input, start.line):
            candidate.features["signature_initiating"] = 1.0
        candidate.refs.append(SupportRef(input=line.input, line=line.number))
    text = reading.lines[found[0].line].text.strip()[:160].replace("`", "'")
    candidate.supports.insert(0, Reason("s_signature", {"text": text}))


def _add_signals(candidate: Candidate, evidence: Evidence) -> None:
    expected = candidate.incident.signals
    seen = {signal.name: signal for signal in evidence.signals}
    if seen:
        unexplained = [name for name in seen if name not in expected]
        candidate.features["signals_unexplained"] = len(unexplained) / len(seen)
    if not expected:
        return
    matched = [seen[name] for name in expected if name in seen]
    missing = [name for name in expected if name not in seen and _metric(name) in evidence.metrics]
    candidate.features["signals"] = len(matched) / len(expected)
    candidate.features["signals_missing"] = len(missing) / len(expected)
    for signal in matched:
        candidate.supports.append(_signal_reason(signal))
        candidate.refs += [SupportRef(input=signal.input, line=line) for line in signal.lines[:2]]
    candidate.contradicts += [Reason("c_signal", {"meaning": _meaning(name)}) for name in missing]


def _metric(signal: str) -> str:
    return next((metric for prefix, metric in _METRIC_OF if signal.startswith(prefix)), "")


def _meaning(signal: str) -> dict[str, str]:
    entry = vocabulary.signals()[signal]
    return {"en": entry["en"], "zh": entry["zh"]}


def _signal_reason(signal: SignalSeen) -> Reason:
    if not signal.values:
        return Reason("s_signal", {"meaning": _meaning(signal.name)})
    values = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in signal.values[:4])
    return Reason("s_signal_values", {"meaning": _meaning(signal.name), "values": values})


def _add_components(candidate: Candidate, evidence: Evidence, named: Set[str], not_used: Set[str]) -> None:
    unused = not_used & {*candidate.incident.components}
    if unused:
        candidate.features["component_unused"] = 1.0
        candidate.contradicts.append(Reason("c_unused", {"names": ", ".join(sorted(unused))}))
    mentioned = named - unused
    shared = sorted(mentioned & {*candidate.incident.components})
    models = sorted({*evidence.mentions.models} & {*candidate.incident.models})
    if models:
        candidate.features["model"] = 1.0
    if shared:
        candidate.features["component"] = 1.0
        candidate.supports.append(Reason("s_component", {"names": ", ".join([*shared, *models])}))
    elif mentioned:
        candidate.features["component_other"] = 1.0
        names = ", ".join(candidate.incident.components[:3])
        candidate.contradicts.append(Reason("c_component", {"names": names}))


def _versions_told(reading: Reading) -> Iterator[str]:
    """What the report gives a version of, environment listings left out: those name all that is installed."""
    told = {(line.input, line.number) for line in reading.matter}
    return (name for name, seen in reading.evidence.versions.items() if (seen.input, seen.line) in told)


def _add_versions(candidate: Candidate, evidence: Evidence) -> None:
    facts = [f for f in candidate.incident.versions if f.component in evidence.versions]
    for fact in facts:
        version = evidence.versions[fact.component].version
        verdict = judge(fact, version)
        fields = {"component": fact.component, "version": version, "range": fact.affected or f"< {fact.fixed_in}"}
        if verdict == "affected":
            candidate.features["version_affected"] = 1.0
            candidate.supports.append(Reason("s_version", fields))
        elif verdict in ("fixed", "not_affected"):
            candidate.features["version_excluded"] = 1.0
            key = "c_version" if verdict == "fixed" else "c_version_out"
            fields["range"] = f">= {fact.fixed_in}" if verdict == "fixed" and fact.fixed_in else fields["range"]
            candidate.contradicts.append(Reason(key, fields))
        if verdict != "unknown":
            detail = f"{fact.component} {version}: {fields['range']}"
            candidate.versions = VersionVerdict(verdict=verdict, detail=detail)


# An `info` is a setting that healthy runs have too: it tells between rivals, no more.
_SEVERITY = {"info": 0.5, "warning": 1.0, "error": 1.0}


def _add_config(candidate: Candidate, evidence: Evidence) -> None:
    mine = [finding for finding in evidence.config_findings if finding.incident == candidate.incident.id]
    if mine:
        candidate.features["config"] = max(_SEVERITY[finding.severity] for finding in mine)
    for finding in mine:
        candidate.supports.append(Reason("s_config", {"key": finding.key, "value": finding.value}))
        candidate.refs.append(SupportRef(input=finding.input, line=finding.line))


def _add_answers(candidate: Candidate, catalog: Catalog, answers: Answers) -> None:
    for answered in answers:
        verdict = verdict_of(answered.check, candidate.incident.id, answered.value)
        if verdict == 0:
            continue
        side, key = ("for", "s_check") if verdict > 0 else ("against", "c_check")
        side = f"{_who_answers(answered)}_{side}"
        candidate.features[side] = candidate.features.get(side, 0.0) + 1.0
        ask = {"en": answered.check.ask.get("en"), "zh": answered.check.ask.get("zh")}
        value = {"en": say(answered.value, "en"), "zh": say(answered.value, "zh")}
        reasons = candidate.supports if verdict > 0 else candidate.contradicts
        reasons.append(Reason(key, {"answer": value, "ask": ask}))


def _who_answers(answered: Answered) -> str:
    """The user, a number or version in the paste, or the looser sign of a signal."""
    if answered.by_user:
        return "answer"
    reads = answered.check.reads
    return "check" if reads and reads.signal else "measure"
