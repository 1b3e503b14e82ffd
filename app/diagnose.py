"""One turn of a case: inputs → evidence → candidates → verdict → diagnosis. No I/O but the index."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app.answer import Citations, compose
from app.brief import add_typical
from app.checks import Answers, answer_from_evidence, order_checks
from app.diagnosis import (
    MAX_CAUSES,
    MAX_SIMILAR,
    Cause,
    Diagnosis,
    KbInfo,
    NextCheck,
    Similar,
    VersionVerdict,
)
from app.features import Candidate, candidates
from app.focus import focus
from app.ranking import Ranked, Weights, rank
from app.reranking import Reranking
from app.second import related, second_problem
from app.texts import say
from app.verdict import Decision, decide, hard_evidence, open_rivals
from kb import vocabulary
from kb.catalog import Catalog
from kb.configs import ConfigValue
from kb.evidence.forms import unusual_hardware
from kb.evidence.model import Evidence, Reading
from kb.retrieval import Retriever
from kb.rules import findings, load_rules
from kb.terms import names_in
from kb.types import Lang

MAX_PROSE, MAX_ERROR = 700, 300  # characters of the distilled query
MAX_SEARCHABLE = 3000  # characters of the lexical query
_ROW = re.compile(r"\s*\{['\"][\w/]+['\"]: ?['\"]?[-\d.]")  # a trainer's row of numbers
MIN_SHOWN = 0.02  # probability below which a cause is not listed
MAX_NEXT_CHECKS = 5


class Stopwatch:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage."""
        start = time.perf_counter()
        yield
        self.times[name] = round((time.perf_counter() - start) * 1000, 2)


def diagnose(
    reading: Reading,
    settings: Sequence[ConfigValue],
    retriever: Retriever,
    weights: Weights,
    *,
    case: str,
    lang: Lang,
    given: Mapping[str, str],
    watch: Stopwatch,
    reranking: Reranking | None = None,
) -> Diagnosis:
    """The diagnosis of what was read; `given` holds the user's answers by check id."""
    with watch.stage("configs"):
        reading = with_findings(reading, settings, retriever.catalog, lang)
    with watch.stage("focus"):
        reading = focus(reading, retriever)
    catalog, evidence = retriever.catalog, reading.evidence
    found, answers = consider(reading, settings, retriever, given, watch, reranking)
    with watch.stage("rank"):
        ranked = rank(found, weights)
        decision = decide(reading, ranked, weights.thresholds, said(reading, retriever))
    second = None
    if decision.verdict == "diagnosed":
        second = second_problem(
            ranked, reading, weights, lambda part: consider(part, (), retriever, {}, watch, reranking)[0]
        )
    info = KbInfo(
        version=retriever.manifest.kb_version,
        digest=retriever.manifest.kb_digest,
        incidents=retriever.manifest.incidents,
    )
    with watch.stage("compose"):
        draft = _Draft(
            decision, _of_first(ranked, second), second, catalog, evidence, lang, {a.id for a in answers} | given.keys()
        )
        diagnosis = draft.diagnosis(case, info)
        answer = compose(diagnosis)
    return diagnosis.model_copy(update={"answer": answer, "timings_ms": {**watch.times}})


def with_findings(reading: Reading, settings: Sequence[ConfigValue], catalog: Catalog, lang: Lang) -> Reading:
    """The reading with what incidents and rules say of its settings."""
    if not settings:
        return reading
    found = findings(settings, reading.evidence.versions, catalog.configured, load_rules(), lang)
    return replace(reading, evidence=reading.evidence.model_copy(update={"config_findings": found}))


def consider(
    reading: Reading,
    settings: Sequence[ConfigValue],
    retriever: Retriever,
    given: Mapping[str, str],
    watch: Stopwatch,
    reranking: Reranking | None = None,
) -> tuple[list[Candidate], Answers]:
    """The candidate causes with their features, and the checks that are answered."""
    with watch.stage("retrieve"):
        hits = retriever.search(distill(reading), searchable(reading), reading.prose[:MAX_SEARCHABLE])
        start = reading.evidence.initiating_error
        error = start.text[:MAX_SEARCHABLE] if start else ""
        names = retriever.held(names_in(f"{reading.prose[:MAX_SEARCHABLE]}\n{error}"))
        found = retriever.find_signatures([line.text for line in reading.lines])
    with watch.stage("features"):
        answers = answer_from_evidence(retriever.catalog, reading, settings, given)
        causes = candidates(reading, hits, found, names, retriever.catalog, answers)
        add_typical(causes, reading.evidence, retriever.catalog, said(reading, retriever))
    if reranking is not None:
        with watch.stage("rerank"):
            reranking.add(causes, distill(reading), reading.language or "en")
    return causes, answers


def said(reading: Reading, retriever: Retriever) -> float:
    """How much the text says, in [0, 1); see Retriever.said."""
    return retriever.said("\n".join(line.text for line in reading.matter)[:MAX_SEARCHABLE])


def distill(reading: Reading) -> str:
    """A short query: the person's words, the first error, and what the signals mean; never the whole paste."""
    evidence = reading.evidence
    lang: Lang = reading.language or "en"
    parts = [reading.prose[:MAX_PROSE]]
    if evidence.initiating_error:
        parts.append(evidence.initiating_error.text[:MAX_ERROR])
    elif reading.notable:
        parts.append(reading.notable[0].text[:MAX_ERROR])
    parts += [str(vocabulary.signals()[s.name][lang]) for s in evidence.signals[:6]]
    if not any(part.strip() for part in parts):
        parts = [line.text[:MAX_ERROR] for line in reading.matter[:3]]
    return "\n".join(part for part in parts if part.strip())


def searchable(reading: Reading) -> str:
    """The text for the lexical search, bounded: what distill takes, other lines but rows of numbers, rare hardware."""
    others = (line.text for line in (*reading.notable, *reading.matter) if not _ROW.match(line.text))
    listed = " ".join(unusual_hardware(reading))
    return "\n".join([distill(reading), *dict.fromkeys([*others, listed])])[:MAX_SEARCHABLE]


def _of_first(ranked: Sequence[Ranked], second: Ranked | None) -> Sequence[Ranked]:
    """The causes of the first problem: without that of the second and its look-alikes."""
    if second is None:
        return ranked
    other = second.candidate.incident
    return [r for r in ranked if not related(r.candidate.incident, other)]


class _Draft:
    """A diagnosis being put together in one language."""

    def __init__(
        self,
        decision: Decision,
        ranked: Sequence[Ranked],
        second: Ranked | None,
        catalog: Catalog,
        evidence: Evidence,
        lang: Lang,
        answered: set[str],
    ) -> None:
        self.decision, self.ranked, self.second, self.catalog, self.evidence = (
            decision,
            ranked,
            second,
            catalog,
            evidence,
        )
        self.lang, self.answered, self.citations = lang, answered, Citations(lang)

    def diagnosis(self, case: str, info: KbInfo) -> Diagnosis:
        """Everything but the answer text."""
        decided = self.decision.verdict in ("diagnosed", "ambiguous")
        shown = self._shown() if decided else []
        causes = tuple(self._cause(rank, r) for rank, r in enumerate(shown, start=1))
        if self.second:
            causes = (*causes[: MAX_CAUSES - 1], self._cause(min(len(causes), MAX_CAUSES - 1) + 1, self.second, 2))
        checks = tuple(self._next_checks(shown)) if decided else ()
        near = [] if decided or self.decision.code in ("off_topic", "nothing_wrong_seen") else self.ranked[:MAX_SIMILAR]
        similar = tuple(self._similar(r) for r in near)
        return Diagnosis(
            case=case,
            language=self.lang,
            kb=info,
            verdict=self.decision.verdict,
            reason_code=self.decision.code,
            reason=self._reason(causes, info),
            ask=self._ask(checks),
            answer="",
            causes=causes,
            similar=similar,
            next_checks=checks,
            evidence=self.evidence,
        )

    def _shown(self) -> list[Ranked]:
        shown = [r for r in self.ranked[:MAX_CAUSES] if r.probability >= MIN_SHOWN]
        if self.decision.verdict == "diagnosed":
            return shown
        rivals = open_rivals(self.ranked, self.evidence)
        if len(shown) == 1 and rivals:  # what leaves it open belongs beside it, however unlikely
            return [*shown, rivals[0]]
        return list(self.ranked[: max(2, len(shown))])

    def _cause(self, rank: int, ranked: Ranked, problem: int = 1) -> Cause:
        candidate, incident = ranked.candidate, ranked.candidate.incident
        sections = incident.sections(self.lang)
        sources = self.citations.of(incident)
        unknown = say("v_unknown" if incident.versions else "v_none", self.lang)
        versions = candidate.versions or VersionVerdict(verdict="unknown", detail=unknown)
        return Cause(
            rank=rank,
            problem=problem,
            incident=incident.id,
            title=incident.title.get(self.lang),
            confidence=round(ranked.probability, 4),
            check=self.citations.renumber(sections.check, incident),
            cause=self.citations.renumber(sections.cause, incident),
            fix=self.citations.renumber(sections.fix, incident),
            cause_kind=incident.cause_kind,
            cause_status=incident.cause_status,
            fix_status=incident.fix_status,
            supports=tuple(dict.fromkeys(reason.text(self.lang) for reason in candidate.supports)),
            contradicts=tuple(dict.fromkeys(reason.text(self.lang) for reason in candidate.contradicts)),
            support_refs=tuple(dict.fromkeys(candidate.refs)),
            versions=versions,
            url=sources[0].url,
            sources=sources,
        )

    def _similar(self, ranked: Ranked) -> Similar:
        against = [reason.text(self.lang) for reason in ranked.candidate.contradicts[:2]]
        incident = ranked.candidate.incident
        why_not = "; ".join(against) or say("why_not_far", self.lang)
        return Similar(incident=incident.id, title=incident.title.get(self.lang), why_not=why_not)

    def _next_checks(self, shown: Sequence[Ranked]) -> list[NextCheck]:
        probabilities = {r.candidate.incident.id: r.probability for r in shown}
        checks = self.catalog.checks
        chosen = [name for name, _ in order_checks(self.catalog, probabilities, self.answered)][:MAX_NEXT_CHECKS]
        found = [
            NextCheck(
                id=name,
                do=checks[name].ask.get(self.lang),
                how=checks[name].how.get(self.lang),
                cost=checks[name].cost,
                if_yes=tuple(i for i in checks[name].yes if i in probabilities),
                if_no=tuple(i for i in checks[name].no if i in probabilities),
            )
            for name in chosen
        ]
        return found or self._own_checks(shown)

    def _own_checks(self, shown: Sequence[Ranked]) -> list[NextCheck]:
        """Where no group check splits the causes, the first cause's own check does."""
        if len(shown) < 2:
            return []
        first = shown[0].candidate.incident
        others = tuple(r.candidate.incident.id for r in shown[1:])
        return [
            NextCheck(
                id=f"incident.{first.id}",
                do=say("own_check", self.lang, title=first.title.get(self.lang)),
                how=self.citations.renumber(first.sections(self.lang).check, first),
                cost=2,
                if_yes=(first.id,),
                if_no=others,
            )
        ]

    def _reason(self, causes: Sequence[Cause], info: KbInfo) -> str:
        code, lang = self.decision.code, self.lang
        if code == "matched":
            percent = round(causes[0].confidence * 100)
            return say("reason_matched", lang, title=causes[0].title, percent=percent, seen=self._seen())
        if code == "rivals_remain":
            return say("reason_rivals", lang, seen=self._seen())
        if code == "unknown_problem":
            return say("reason_unknown", lang, seen=self._seen(), incidents=info.incidents, version=info.version)
        if code == "nothing_wrong_seen":
            return say("reason_nothing_wrong", lang, seen=", ".join(self.evidence.metrics))
        return say("reason_off_topic" if code == "off_topic" else "reason_too_little", lang)

    def _seen(self) -> str:
        parts = [f"`{self.evidence.initiating_error.text.strip()[:120]}`"] if self.evidence.initiating_error else []
        parts += [str(vocabulary.signals()[s.name][self.lang]) for s in self.evidence.signals[:4]]
        parts += [f"{name} {seen.version}" for name, seen in list(self.evidence.versions.items())[:4]]
        separator = "; " if self.lang == "en" else ";"
        return separator.join(parts) or say("seen_nothing", self.lang)

    def _ask(self, checks: Sequence[NextCheck]) -> str | None:
        code = self.decision.code
        if code == "rivals_remain" and checks:
            return say("ask_check", self.lang, do=checks[0].do)
        if code == "off_topic":
            return say("ask_domain", self.lang)
        if code in ("too_little", "unknown_problem"):
            return say("ask_rows" if hard_evidence(self.evidence) and self.evidence.metrics else "ask_log", self.lang)
        return None
