"""`python -m evals ingest-fit`: learn how sentences of each role sound, into ingest/roles.json.

Two sources: the reviewed incidents, whose sections say what each of their sentences is, and the labelled pages and
threads in evals/ingest, which count LABELLED times as much. A multinomial logistic regression (ridge) over the
features of ingest/roles.py, cut to the FEATURES that weigh most and fitted again. `--leave FOLDER` fits without one
labelled folder, so that the folder can be measured as if unseen.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from evals.ingest_fit_places import fit_places
from evals.ingest_habits import habits, rebuilt
from evals.ingest_unseen import labelled, plain
from ingest import roles
from ingest.reading import read_source
from ingest.roles import features
from ingest.sentences import Said, said
from ingest.types import Page, Thread
from kb.writeups import HEADINGS

HERE = Path(__file__).parent / "ingest"
INCIDENTS = Path(__file__).parent.parent / "kb" / "incidents"
LABELLED, LEAST, FEATURES, RIDGE = 15.0, 6, 3000, 0.06  # weight; sources of a feature; features kept; 1/penalty
_SECTIONS = dict(
    zip(("symptom", "check", "cause", "fix", "prevention"), zip(*HEADINGS.values(), strict=True), strict=True)
)
_LABELS = {"cause": "cause", "fix": "fix", "symptom": "symptom", "tried_failed": "failed"}
_PREFIX = 40  # characters by which a sentence and a longer label are the same


class Row(NamedTuple):
    """A sentence with its role."""

    role: str
    text: str
    cues: frozenset[str]
    weight: float


def written() -> Iterator[Row]:
    """The sentences of the reviewed incidents; each is of the section it stands in."""
    for path in sorted(INCIDENTS.rglob("*.md")):
        body = path.read_text("utf-8").split("\n---\n", 1)[-1]
        body = re.sub(r" ?\[\d+(?:, ?\d+)*\]", "", body)
        for role in ("symptom", "check", "cause", "fix"):
            heads = "|".join(_SECTIONS[role])
            for found in re.finditer(rf"^## (?:{heads})\n(.*?)(?=^#+ |\Z)", body, re.M | re.S):
                yield from (Row(role, s.text, s.does, 1.0) for s in said(found[1], 0, len(found[1])) if not s.code)


def told(item: Page | Thread, truth: Mapping[str, Any]) -> Iterator[Row]:
    """The sentences of a labelled source."""
    rows = _of_thread(item, truth) if isinstance(item, Thread) else _of_page(item, truth)
    yield from (Row(role, part.text, part.does, LABELLED) for role, part in rows)


def read_folder(folder: Path) -> Iterator[tuple[Page | Thread, Mapping[str, Any]]]:
    """The labelled pages and threads as they are read."""
    for path, truth in labelled(folder):
        for item in read_source(path.read_bytes(), path.name):
            yield item, truth


def role_of(text: str, truth: Mapping[str, Any]) -> str:
    """The role that the labels give a sentence."""
    have = plain(text)
    for name, role in _LABELS.items() if truth["incident"] and have else ():
        for span in map(plain, truth.get(name) or ()):
            near = len(span) > _PREFIX // 2 and (have[:_PREFIX] in span or span[:_PREFIX] in have)
            if have in span or span in have or near:
                return role
    return "other"


def _of_page(page: Page, truth: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
    for section in page.sections:
        for part in said(page.text, section.start, section.end):
            role = role_of(part.text, truth)
            if not (part.code or (role == "other" and part.does & {"advice", "changed"})):
                yield role, part


def _of_thread(thread: Thread, truth: Mapping[str, Any]) -> Iterator[tuple[str, Said]]:
    """Other advice than the labelled is left out: it sounds like a fix and is none."""
    fixed = False
    for post in thread.posts:
        for part in said(thread.text, post.start, post.end) if post.role != "bot" else ():
            role = role_of(part.text, truth)
            fixed |= role == "fix"
            if role == "other" and post.role == "reporter" and fixed and truth.get("confirmed"):
                role = "works"
            if not (part.code or (role == "other" and post.role != "reporter" and part.does & {"advice", "changed"})):
                yield role, part


_features = cache(features)


def fit(rows: Sequence[Row], kept: Sequence[str] = ()) -> roles.Model:
    """The model of these sentences. `kept`: the features to use, where they are already chosen."""
    seen = [_features(row.text, row.cues) for row in rows]
    names = sorted(kept) or _chosen(rows, seen)
    model = _regress(rows, seen, names, RIDGE)
    order = [list(model.classes_).index(role) for role in roles.ROLES]
    weights = {name: [round(float(model.coef_[i, k]), 2) for i in order] for k, name in enumerate(names)}
    return roles.Model(weights, [round(float(model.intercept_[i]), 3) for i in order])


def _chosen(rows: Sequence[Row], seen: Sequence[set[str]]) -> list[str]:
    """The features that weigh most in a first fit."""
    counts = Counter(feature for found in seen for feature in found)
    names = sorted(feature for feature, count in counts.items() if count >= LEAST)
    first = _regress(rows, seen, names, RIDGE / 2)
    matters = np.abs(first.coef_).max(0) * np.sqrt([counts[name] for name in names])
    return sorted(names[i] for i in np.argsort(-matters)[:FEATURES])


def _regress(rows: Sequence[Row], seen: Sequence[set[str]], names: Sequence[str], ridge: float) -> Any:
    place = {name: i for i, name in enumerate(names)}
    cells = [(i, place[f]) for i, found in enumerate(seen) for f in found if f in place]
    at = np.array(cells).T
    table = csr_matrix((np.ones(len(cells)), (at[0], at[1])), shape=(len(rows), len(names)))
    model = LogisticRegression(C=ridge, max_iter=150, tol=1e-3)
    return model.fit(table, [row.role for row in rows], sample_weight=[row.weight for row in rows])


def folders() -> list[Path]:
    """The labelled folders."""
    return [*sorted(HERE.glob("heldout*")), *sorted(path for path in (HERE / "dev").glob("*") if path.is_dir())]


def write(model: roles.Model, path: Path) -> None:
    """Save a model, a feature in a line."""
    lines = [f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in model.weights.items()]
    head = f'{{"roles": {json.dumps(roles.ROLES)}, "bias": {json.dumps(model.bias)}, "weights": {{'
    path.write_text("\n".join([head, ",\n".join(lines), "}}", ""]), "utf-8")


def main(argv: Sequence[str]) -> int:
    """Learn and write both files."""
    parser = argparse.ArgumentParser(prog="evals ingest-fit")
    parser.add_argument("--leave", default="", help="the name of a labelled folder to leave out")
    parser.add_argument("--to", type=Path, default=Path(roles.__file__).parent, help="the folder of the two files")
    options = parser.parse_args(argv)
    used = [folder for folder in folders() if folder.name != options.leave]
    base, sources = [*written()], [found for folder in used for found in read_folder(folder)]
    sources += [*habits(), *rebuilt()]
    rows = [[*told(*source)] for source in sources]
    model = fit([*base, *chain(*rows)])
    write(model, options.to / "roles.json")

    def without(numbers: Sequence[int]) -> roles.Model:
        return fit([*base, *chain(*(part for n, part in enumerate(rows) if n not in numbers))], [*model.weights])

    small = fit_places(sources, without, role_of)
    (options.to / "weights.json").write_text(json.dumps(small, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"{len(base)} + {sum(map(len, rows))} sentences, {len(model.weights)} features → {options.to}")
    return 0
