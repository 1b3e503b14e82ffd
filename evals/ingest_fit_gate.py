"""The last step of `python -m evals ingest-fit`: what makes a page or thread an incident.

From the labelled sources and, counting little, the rebuilt layouts of `python -m evals ingest`, whose how-tos and
requests hold no incident. Logistic regression whose ridge pulls to PRIOR: what is known of titles and shown errors,
since sources without an incident are few.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from evals.ingest_eval import cases
from ingest.gate import thread_signs
from ingest.page_drafts import parts_of, signs_of
from ingest.reading import read_source
from ingest.thread_drafts import update_of
from ingest.thread_fix import best_candidate, candidates
from ingest.told import tell
from ingest.types import Page, Thread
from ingest.weighing import Judge

MANUALS = Path(__file__).parent / "ingest" / "manuals.json"
RIDGE, GENERATED, MANUAL, FOLDS = 0.15, 0.1, 0.15, 6  # weights of a rebuilt source and of a page of documentation
PRIOR: dict[str, float] = {
    "title problem_titles": 0.7, "title fails": 0.7, "title howto_titles": -0.7, "title news_titles": -1.0,
    "title several_titles": -1.0, "title tagged_titles": -1.0, "title requests": -0.8, "title postmortem_titles": 1.0,
    "shown": 0.8, "signals": 0.3, "told": 1.0, "best seen": 0.7, "best why": 0.7, "later why": 0.7, "choice": 0.5,
    "guide": -0.5, "you": -0.7, "ours": 0.5, "settled": 0.5, "tried": 0.5, "fails there": 0.7, "failing": 0.5,
}  # fmt: skip


class Gate(NamedTuple):
    """A source as the gate sees it."""

    name: str
    found: Mapping[str, float]
    incident: bool
    weight: float


def gate_of(item: Page | Thread, incident: bool, judge: Judge, weight: float = 1.0) -> Gate | None:
    """What the gate sees of a source; `judge` holds the choice of fixes too. None where only programs wrote."""
    if isinstance(item, Page):
        return Gate("page gate", signs_of(item, *parts_of(item, judge)), incident, weight)
    told = tell(item, judge)
    if not told:
        return None
    choice, _ = best_candidate(item, told, candidates(told, update_of(told[0])), judge)
    return Gate("thread gate", thread_signs(item, told, choice), incident, weight)


def generated(judge: Judge) -> Iterator[Gate]:
    """The rebuilt layouts, one round."""
    for _, made, _ in cases(7, 1):
        for item in read_source(made.raw, made.name):
            if seen := gate_of(item, bool(made.truth), judge, GENERATED):
                yield seen


def manuals() -> Iterator[Gate]:
    """The signs of real documentation, in which nothing failed: numbers only, as they were when they were read."""
    for signs in json.loads(MANUALS.read_text("utf-8")).values():
        yield Gate("page gate", signs, False, MANUAL)


def fit_gates(gates: Sequence[Gate]) -> dict[str, dict[str, float]]:
    """The weights of both gates; printed: what folds judge right."""
    return {name: _fit(name, [g for g in gates if g.name == name]) for name in ("page gate", "thread gate")}


def _fit(name: str, gates: Sequence[Gate]) -> dict[str, float]:
    names = sorted({feature for g in gates for feature in g.found})
    rows = np.array([[*(g.found.get(n, 0.0) for n in names), 1.0] for g in gates])
    right = np.array([g.incident for g in gates])
    weight = np.array([g.weight for g in gates])
    prior = np.array([*(PRIOR.get(n, 0.0) for n in names), 0.0])
    fold = np.arange(len(gates)) % FOLDS
    guessed = np.zeros(len(gates), dtype=bool)
    for k in range(FOLDS):
        used = fold != k
        guessed[~used] = rows[~used] @ _logit(rows[used], right[used], weight[used], prior) > 0
    told = weight == 1
    manual = weight == MANUAL
    if manual.any():
        print(f"{name}: {guessed[manual].sum()} of {manual.sum()} pages of documentation taken")
    wrong = (int(np.sum(told & (guessed != right) & (right == kind))) for kind in (True, False))
    missed, taken = wrong
    print(
        f"{name}: {told.sum()} labelled ({(told & ~right).sum()} hold none), over folds {missed} missed, {taken} taken"
    )
    weights = _logit(rows, right, weight, prior)
    return {
        "bias": round(float(weights[-1]), 2),
        **{n: round(float(w), 2) for n, w in zip(names, weights, strict=False)},
    }


def _logit(rows: Any, right: Any, weight: Any, prior: Any) -> Any:
    """The weights of a logistic regression with its ridge around a prior, the bias free."""
    sign = np.where(right, 1.0, -1.0)

    def loss(weights: Any) -> tuple[float, Any]:
        margin = sign * (rows @ weights)
        away = np.append((weights - prior)[:-1], 0.0)
        value = float(weight @ np.logaddexp(0.0, -margin)) + RIDGE * float(away @ away)
        return value, -(rows.T @ (weight * sign * expit(-margin))) + 2 * RIDGE * away

    return minimize(loss, prior, jac=True, method="L-BFGS-B").x
