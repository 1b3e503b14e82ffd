"""Same, rival or new? `python -m evals duplicates [--fit] [--take N]`. Exit 1 where decisions are below the bar.

Development questions stand in for drafts: each in their own words, with a known cause. As they are, the answer is the
incident (same). With that incident hidden, or the cause outside of the base, they are the same as none (new). A rival
is a proposal, judged apart: right where the incident named has the symptom. Weights are judged by five folds over
causes: no cause is in both parts. Same and new are decisions; "unsure" leaves it to the curator.
"""

import argparse
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from app.settings import load_settings
from evals.cases import FOLDER, Case, load_cases
from ingest.duplicates import MAX_QUERY, MAX_WORDS, Account, Relation, decide, features
from kb import yamlio
from kb.embedding import load_embedder
from kb.evidence import Input, read
from kb.retrieval import Retriever
from kb.types import Incident

BAR = 0.95  # of decisions whether a draft is the same as an incident: issue I
RIVAL_GOAL = 0.8  # of rivals that are proposed: a curator looks at each, and makes the group
FOLDS = 5
PENALTY = 0.02  # of squared weights, beside the mean loss
TARGET = Path(__file__).parent.parent / "ingest" / "duplicates.yaml"
NAMES = ("signature", "errors_unmatched", "dense", "relative", "told", "signals", "component",
         "component_other", "lexical_lead", "dense_lead")  # fmt: skip
Rows = dict[str, dict[str, float]]


class Sample(NamedTuple):
    """Features of the incidents near a question, with what is true of it."""

    cause: str
    truth: str | None  # the incident that it is the same as
    kin: frozenset[str]  # incidents that share a symptom with it
    rows: Rows


def account(query: str) -> Account:
    """A question as a draft's account."""
    evidence = read([Input("draft", query)]).evidence
    error = evidence.initiating_error.text if evidence.initiating_error else ""
    prose = next((line for line in query.split("\n") if line.strip()), "")
    return Account(
        query=f"{error or prose}"[:MAX_QUERY], words=query[:MAX_WORDS], lines=tuple(query.split("\n")[:400]),
        signals=frozenset(s.name for s in evidence.signals), components=frozenset(evidence.mentions.components),
    )  # fmt: skip


def kin_of(name: str, known: Mapping[str, Incident]) -> frozenset[str]:
    """The incidents that share a symptom group with an incident, or are named as its rivals."""
    own = known[name]
    return frozenset(
        i.id
        for i in known.values()
        if i.id != name
        and i.status != "retired"
        and ({*i.symptom_groups} & {*own.symptom_groups} or i.id in own.rivals or name in i.rivals)
    )


def samples(cases: Sequence[Case], retriever: Retriever) -> list[Sample]:
    """Every question as it is, and once more with its incident hidden."""
    known, found = retriever.catalog.incidents, []
    for case in cases:
        seen = account(case.query)
        if not isinstance(case.cause, str):
            slug = case.cause.slug if case.cause else case.id
            if slug not in known:
                found.append(Sample(slug, None, frozenset(), features(seen, retriever, known)))
            continue
        if case.cause not in known or known[case.cause].status == "retired":
            continue
        kin = kin_of(case.cause, known)
        found.append(Sample(case.cause, case.cause, kin, features(seen, retriever, known)))
        rest = {i: incident for i, incident in known.items() if i != case.cause}
        found.append(Sample(case.cause, None, kin, features(seen, retriever, rest)))
    return found


def fit(rows: Sequence[Mapping[str, float]], truth: Sequence[bool], names: Sequence[str] = NAMES) -> dict[str, float]:
    """Weights of a logistic regression with a small penalty."""
    x = np.array([[1.0, *(row.get(n, 0.0) for n in names)] for row in rows])
    y = np.array(truth, float)

    def loss(w: Any) -> tuple[float, Any]:
        z = x @ w
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        value = float(np.mean(np.logaddexp(0, z) - y * z)) + PENALTY / len(w) * float(w[1:] @ w[1:])
        gradient = x.T @ (p - y) / len(y) + 2 * PENALTY / len(w) * np.concatenate([[0.0], w[1:]])
        return value, gradient

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return dict(zip(("bias", *names), (round(float(v), 3) for v in w), strict=True))


def learned(data: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Both sets of weights: for being the same, and for sharing the symptom."""
    pairs = [(s, name, row) for s in data for name, row in s.rows.items()]
    related = [(s, n, r) for s, n, r in pairs if s.kin or s.truth is None]
    return {
        "same": fit([r for _, _, r in pairs], [n == s.truth for s, n, _ in pairs]),
        "related": fit([r for _, _, r in related], [n in s.kin or n == s.truth for s, n, _ in related]),
    }


def right(sample: Sample, found: Relation) -> bool:
    """Whether a decision is true: the right incident, or not the same as any."""
    return found.incident == sample.truth if found.verdict == "same" else sample.truth is None


def shares(sample: Sample, found: Relation) -> bool:
    """Whether a proposed rival has the symptom: it is of the same group, or tells of the same."""
    return found.incident in sample.kin or found.incident == sample.truth


def limits_for(scored: Sequence[tuple[Sample, Mapping[str, Any]]], known: Mapping[str, Incident]) -> dict[str, float]:
    """The thresholds that leave the fewest undecided while decisions of both kinds are at the bar, with a margin."""
    goal = BAR + 0.01

    def kept(low: float, high: float, bar: float) -> tuple[float, float, float]:
        limits = {"same": high, "not_same": low, "related": bar}
        found = [(s, decide(s.rows, known, {**w, "limits": limits})) for s, w in scored]
        yes = [right(s, r) for s, r in found if r.verdict == "same"]
        no = [right(s, r) for s, r in found if r.verdict == "new"]
        rivals = [shares(s, r) for s, r in found if r.verdict == "rival"]
        return (
            sum(yes) / max(len(yes), 1), sum(no) / max(len(no), 1), sum(rivals) / max(len(rivals), 1)
        )  # fmt: skip

    steps = [n / 40 for n in range(1, 40)]
    high = next((t for t in steps if t >= 0.3 and kept(0.0, t, 2.0)[0] >= goal), 0.975)
    bar = next((t for t in steps if t >= 0.2 and kept(0.0, high, t)[2] >= RIVAL_GOAL), 0.975)
    low = next((t for t in reversed(steps) if t <= high and kept(t, high, bar)[1] >= goal), 0.025)
    return {"same": high, "not_same": low, "related": bar}


def interval(good: int, total: int) -> tuple[float, float]:
    """The Wilson score interval, 95 % (Wilson 1927)."""
    z, p = 1.96, good / max(total, 1)
    middle = (p + z * z / (2 * total)) / (1 + z * z / total) if total else 0.0
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total) if total else 0.0
    return middle - half, middle + half


def judged(data: Sequence[Sample], known: Mapping[str, Incident]) -> list[tuple[Sample, Relation]]:
    """Every sample decided by weights and limits learned without its cause."""
    causes = sorted({s.cause for s in data})
    Random(3).shuffle(causes)
    found = []
    for fold in range(FOLDS):
        held = {*causes[fold::FOLDS]}
        rest = [s for s in data if s.cause not in held]
        weights = learned(rest)
        fitted = {**weights, "limits": limits_for([(s, weights) for s in rest], known)}
        found += [(s, decide(s.rows, known, fitted)) for s in data if s.cause in held]
    return found


def report(found: Sequence[tuple[Sample, Relation]]) -> int:
    """Print accuracy with intervals; 1 below the bar."""
    decided = [(s, r) for s, r in found if r.verdict in ("same", "new")]
    good = sum(right(s, r) for s, r in decided)
    low, high = interval(good, len(decided))
    print(f"{len(found)} accounts, {len(decided)} decided ({len(decided) / max(len(found), 1):.2f})")
    print(f"decisions right: {good}/{len(decided)} = {good / max(len(decided), 1):.3f} [{low:.3f}, {high:.3f}]")
    for verdict in ("same", "new"):
        mine = [right(s, r) for s, r in decided if r.verdict == verdict]
        print(f"  {verdict:<6} n={len(mine):<5} right {sum(mine) / max(len(mine), 1):.3f}")
    rivals = [shares(s, r) for s, r in found if r.verdict == "rival"]
    print(f"  rival  n={len(rivals):<5} shares the symptom {sum(rivals) / max(len(rivals), 1):.3f}")
    for kind, inside in (("in the base", True), ("not in it", False)):
        verdicts = Counter(r.verdict for s, r in found if bool(s.truth) is inside)
        print(f"  {kind}: {dict(verdicts)}")
    return 0 if good >= BAR * len(decided) else 1


def main(argv: Sequence[str] = ()) -> int:
    """Measure, and with --fit write the weights."""
    parser = argparse.ArgumentParser(prog="python -m evals duplicates", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="write ingest/duplicates.yaml from all cases")
    parser.add_argument("--take", type=int, default=0, help="only that many questions, drawn at random")
    parser.add_argument("--cases", type=Path, default=FOLDER / "dev")
    arguments = parser.parse_args(argv)
    settings = load_settings()
    retriever = Retriever(settings.index_root, load_embedder(settings.embedding, settings.data), settings.store)
    cases = load_cases(arguments.cases)
    if arguments.take:
        cases = Random(2).sample(cases, min(arguments.take, len(cases)))
    data, known = samples(cases, retriever), retriever.catalog.incidents
    retriever.close()
    status = report(judged(data, known))
    if arguments.fit:
        weights = learned(data)
        limits = limits_for([(s, weights) for s in data], known)
        head = "# Learned by python -m evals duplicates --fit: P(same incident), P(shares its symptom), thresholds.\n"
        TARGET.write_text(head + yamlio.dump({**weights, "limits": limits}), "utf-8")
    return status
