"""The second step of `python -m evals ingest-fit`: small models over what the first one hears, and where.

What the first model says of a source is taken from a fit without that source (FOLDS parts), as it will be for new ones.
Printed: average precision of each small model over folds by source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from evals.ingest_fit_gate import fit_gates, gate_of, generated, manuals
from ingest.page_drafts import shares
from ingest.roles import Model
from ingest.sentences import Said, said
from ingest.thread_drafts import update_of
from ingest.thread_fix import candidates, signs
from ingest.told import tell
from ingest.types import Page, Thread
from ingest.weighing import Hear, Judge, places, verdicts

FOLDS, RIDGE, CHOICE = 5, 0.3, 0.2
# Where the weights of the choice start and what the ridge pulls to: what is rare in the labelled threads and known.
PRIOR = {
    "accepted": 2.0,
    "merged": 1.5,
    "answered works": 1.5,
    "answered fails": -1.5,
    "worst answer": -1.0,
    "best answer": 1.0,
    "own works": 1.0,
    "own fails": -1.0,
    "ends well here": 0.5,
    "others": 0.7,
    "how": 1.0,
    "tells": 1.0,
    "asks": -0.5,
    "approval": 0.3,
}
Truth = Mapping[str, Any]
RoleOf = Callable[[str, Truth], str]


class Case(NamedTuple):
    """What a small model saw, what was right, and the source."""

    model: str
    found: Mapping[str, float]
    right: bool
    source: int


Group = tuple[str, list[Said], tuple[float, float]]


def groups(item: Page | Thread) -> list[Group]:
    """The posts or sections of a source with who wrote them and where in the article they stand."""
    if isinstance(item, Thread):
        posts = [(i, p) for i, p in enumerate(item.posts) if p.role != "bot"]
        return [("opening" if i == 0 else p.role, said(item.text, p.start, p.end), (0.0, 1.0)) for i, p in posts]
    return [
        ("page", [replace(p, section=p.section or s.name or None) for p in said(item.text, s.start, s.end)], at)
        for s, at in zip(item.sections, shares(item), strict=True)
    ]


def cases(item: Page | Thread, truth: Truth, hear: Hear, role_of: RoleOf, number: int) -> list[Case]:
    """The cases of one source. Advice that the labels do not name is left out where fixes are learned."""
    out: list[Case] = []
    parts_of = groups(item)
    fixed = False
    for at, (writer, parts, share) in enumerate(parts_of):
        roles = [role_of(p.text, truth) for p in parts]
        for part, found, role in zip(parts, places(parts, writer, hear, share), roles, strict=True):
            if found:
                out.append(Case("cause", found, role == "cause", number))
                if writer in ("opening", "page"):
                    out.append(Case("symptom", found, role == "symptom", number))
                if not (role == "other" and part.does & {"advice", "changed"}):
                    out.append(Case("fix", found, role == "fix", number))
        fixed |= "fix" in roles and truth["incident"]
        if isinstance(item, Thread) and at and writer == "reporter":
            last = not any(name == "reporter" for name, *_ in parts_of[at + 1 :])
            found = verdicts(parts, writer, last, hear)
            failed = "failed" in roles
            out.append(Case("failed", found, failed, number))
            out.append(Case("works", found, bool(fixed and truth.get("confirmed") and not failed), number))
    return out


def fit_places(
    sources: Sequence[tuple[Page | Thread, Truth]], without: Callable[[Sequence[int]], Model], role_of: RoleOf
) -> dict[str, dict[str, float]]:
    """The weights of every small model. `without` gives a first model fitted without the sources of those numbers."""
    found: list[Case] = []
    folds = [[n for n in range(len(sources)) if n % FOLDS == fold] for fold in range(FOLDS)]
    models = [without(numbers) for numbers in folds]
    for numbers, model in zip(folds, models, strict=True):
        for number in numbers:
            found += cases(*sources[number], model.scores, role_of, number)
    names = ("symptom", "cause", "fix", "works", "failed")
    small = {name: _fit(name, [c for c in found if c.model == name]) for name in names}
    choices: list[Options] = []
    judges = []
    for numbers, model in zip(folds, models, strict=True):
        rest = [c for c in found if c.source not in numbers]
        judges.append(Judge(model.scores, {name: _fit("", [c for c in rest if c.model == name]) for name in names}))
        choices += [o for n in numbers if (o := options(*sources[n], judges[-1], role_of))]
    small["choice"] = _fit_choice(choices)
    judges = [replace(judge, weights={**judge.weights, "choice": small["choice"]}) for judge in judges]
    seen = [gate_of(s, t["incident"], judges[n % FOLDS]) for n, (s, t) in enumerate(sources)]
    return small | fit_gates([*filter(None, seen), *generated(judges[0]), *manuals()])


class Options(NamedTuple):
    """The candidates of a thread, and which are right: none of them where the thread has no fix."""

    found: list[dict[str, float]]
    right: list[bool]


def options(item: Page | Thread, truth: Truth, judge: Judge, role_of: RoleOf) -> Options | None:
    """What there is to choose from in a labelled thread; None where the labelled fix is in no candidate."""
    if not isinstance(item, Thread) or not truth["incident"] or item.kind == "pull":
        return None
    told = tell(item, judge)
    some = candidates(told, update_of(told[0])) if told else []
    right = [any(role_of(p.text, truth) == "fix" for p in one.parts) for one in some]
    lost = bool(truth.get("fix")) and not any(right)
    return None if not some or lost else Options(signs(item, told, some), right)


def _fit_choice(choices: Sequence[Options]) -> dict[str, float]:
    """A conditional logit with "none of them" at 0, ridge CHOICE; printed: threads right over folds."""
    table = DictVectorizer(sparse=False)
    table.fit([found for o in choices for found in o.found])
    prior = np.array([*(PRIOR.get(name, 0.0) for name in table.feature_names_), 0.0])
    rows = [np.hstack([table.transform(o.found), np.ones((len(o.found), 1))]) for o in choices]
    right = [np.array(o.right) for o in choices]

    def fitted(used: Sequence[int]) -> Any:
        def loss(weights: Any) -> tuple[float, Any]:
            value, slope = 0.0, np.zeros_like(weights)
            for i in used:
                logits = np.append(rows[i] @ weights, 0.0)
                shares = np.exp(logits - logsumexp(logits))
                good = np.append(right[i], not right[i].any())
                wanted = np.where(good, shares, 0.0)
                value -= float(np.log(wanted.sum() + 1e-12))
                slope += rows[i].T @ (shares - wanted / (wanted.sum() + 1e-12))[:-1]
            away = np.append((weights - prior)[:-1], 0.0)
            return value + CHOICE * float(away @ away), slope + 2 * CHOICE * away

        return minimize(loss, prior, jac=True, method="L-BFGS-B").x

    good = 0
    for fold in range(FOLDS + 1):
        weights = fitted([i for i in range(len(rows)) if i % (FOLDS + 1) != fold])
        for i in range(fold, len(rows), FOLDS + 1):
            logits = rows[i] @ weights
            best = int(np.argmax(logits))
            good += bool(right[i][best]) if logits[best] > 0 else not right[i].any()
    print(f"choice  {good} of {len(rows)} threads right over folds")
    weights = fitted(range(len(rows)))
    named = zip(table.feature_names_, weights[:-1], strict=True)
    return {"bias": round(float(weights[-1]), 2), **{name: round(float(w), 2) for name, w in named}}


def _fit(name: str, found: Sequence[Case]) -> dict[str, float]:
    table = DictVectorizer()
    rows, right = table.fit_transform([dict(c.found) for c in found]), np.array([c.right for c in found])
    fold = np.array([c.source % (FOLDS + 1) for c in found])  # another cut than that of the first model
    guessed = np.zeros(len(found))
    for k in range(FOLDS + 1) if name else ():
        model = LogisticRegression(C=RIDGE, max_iter=1000).fit(rows[fold != k], right[fold != k])
        guessed[fold == k] = model.decision_function(rows[fold == k])
    if name:
        share = average_precision_score(right, guessed)
        print(f"{name:7} {right.sum():4} of {len(right):5}: average precision {share:.3f}")
    model = LogisticRegression(C=RIDGE, max_iter=1000).fit(rows, right)
    weights = {
        n: round(float(w), 2) for n, w in zip(table.feature_names_, model.coef_[0], strict=True) if abs(w) >= 0.005
    }
    return {"bias": round(float(model.intercept_[0]), 2), **weights}
