"""The second step of `python -m evals ingest-fit`: small models over what the first one hears, and where.

What the first model says of a source is taken from a fit without that source (FOLDS parts), as it will be for new ones.
Printed: average precision of each small model over folds by source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from ingest.roles import Model
from ingest.sentences import Said, said
from ingest.types import Page, Thread
from ingest.weighing import Hear, places, verdicts

FOLDS, RIDGE = 5, 0.3
Truth = Mapping[str, Any]
RoleOf = Callable[[str, Truth], str]


class Case(NamedTuple):
    """What a small model saw, what was right, and the source."""

    model: str
    found: Mapping[str, float]
    right: bool
    source: int


def groups(item: Page | Thread) -> list[tuple[str, list[Said]]]:
    """The posts or sections of a source with who wrote them."""
    if isinstance(item, Thread):
        posts = [(i, p) for i, p in enumerate(item.posts) if p.role != "bot"]
        return [("opening" if i == 0 else p.role, said(item.text, p.start, p.end)) for i, p in posts]
    return [
        ("page", [replace(p, section=p.section or s.name or None) for p in said(item.text, s.start, s.end)])
        for s in item.sections
    ]


def cases(item: Page | Thread, truth: Truth, hear: Hear, role_of: RoleOf, number: int) -> list[Case]:
    """The cases of one source. Advice that the labels do not name is left out where fixes are learned."""
    out: list[Case] = []
    parts_of = groups(item)
    fixed = False
    for at, (writer, parts) in enumerate(parts_of):
        roles = [role_of(p.text, truth) for p in parts]
        for part, found, role in zip(parts, places(parts, writer, hear), roles, strict=True):
            if found:
                out.append(Case("cause", found, role == "cause", number))
                if not (role == "other" and part.does & {"advice", "changed"}):
                    out.append(Case("fix", found, role == "fix", number))
        fixed |= "fix" in roles and truth["incident"]
        if isinstance(item, Thread) and at and writer == "reporter":
            last = not any(name == "reporter" for name, _ in parts_of[at + 1 :])
            found = verdicts(parts, writer, last, hear)
            failed = "failed" in roles
            out.append(Case("failed", found, failed, number))
            out.append(Case("works", found, bool(fixed and truth.get("confirmed") and not failed), number))
    return out


def fit_places(
    sources: Sequence[tuple[Page | Thread, Truth]], without: Callable[[Sequence[int]], Model], role_of: RoleOf
) -> dict[str, dict[str, float]]:
    """The weights of every small model. `without` gives a first model that was fitted without sources of those numbers."""
    found: list[Case] = []
    for fold in range(FOLDS):
        numbers = [n for n in range(len(sources)) if n % FOLDS == fold]
        model = without(numbers)
        for number in numbers:
            found += cases(*sources[number], model.scores, role_of, number)
    return {name: _fit(name, [c for c in found if c.model == name]) for name in ("cause", "fix", "works", "failed")}


def _fit(name: str, found: Sequence[Case]) -> dict[str, float]:
    table = DictVectorizer()
    rows, right = table.fit_transform([dict(c.found) for c in found]), np.array([c.right for c in found])
    fold = np.array([c.source % (FOLDS + 1) for c in found])  # another cut than that of the first model
    guessed = np.zeros(len(found))
    for k in range(FOLDS + 1):
        model = LogisticRegression(C=RIDGE, max_iter=1000).fit(rows[fold != k], right[fold != k])
        guessed[fold == k] = model.decision_function(rows[fold == k])
    print(f"{name:7} {right.sum():4} of {len(right):5}: average precision {average_precision_score(right, guessed):.3f}")
    model = LogisticRegression(C=RIDGE, max_iter=1000).fit(rows, right)
    weights = {n: round(float(w), 2) for n, w in zip(table.feature_names_, model.coef_[0], strict=True) if abs(w) >= 0.005}
    return {"bias": round(float(model.intercept_[0]), 2), **weights}
