"""`python -m evals forms-fit`: learn how the surroundings of a problem sound, into kb/evidence/chatter.json.

The frames of evals/forms/dev against the questions of the development part and what incidents outside the sealed part
say of their symptom and of how people ask. `--folds` prints what five-fold cross-validation by frame catches and loses.
"""

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from evals.cases import FOLDER, load_cases
from evals.forms_eval import KINDS, PLACE, load_frames
from evals.split import sealed
from kb.evidence import chatter
from kb.evidence.chatter import pieces
from kb.library import BUILT_IN, load_library

FRAMES = Path(__file__).parent / "forms" / "dev"
LEAST, FEATURES, RIDGE = 3, 9000, 1.0
FRAME_WEIGHT = 1.0  # all frame sentences together, beside all of the problems
FOLDS, SHARES = 5, (0.5, 0.7, 0.8, 0.9)


class Row(NamedTuple):
    """A sentence, whether it is frame, and the frame or incident it is of."""

    text: str
    frame: bool
    owner: str


def main(argv: Sequence[str] = ()) -> int:
    """Learn and write the weights, or cross-validate."""
    parser = argparse.ArgumentParser(prog="python -m evals forms-fit", description=__doc__)
    parser.add_argument("--folds", action="store_true", help="cross-validate by frame and incident instead of writing")
    rows = [*problems(), *surroundings()]
    if parser.parse_args(argv).folds:
        _validate(rows)
        return 0
    model = fit(rows)
    lines = [f"  {json.dumps(k, ensure_ascii=False)}: {v}" for k, v in model.weights.items()]
    path = Path(chatter.__file__).with_name("chatter.json")
    path.write_text("\n".join([f'{{"bias": {model.bias}, "weights": {{', ",\n".join(lines), "}}", ""]), "utf-8")
    print(f"{len(rows)} sentences, {sum(r.frame for r in rows)} of frames, {len(model.weights)} features → {path}")
    return 0


def problems() -> Iterator[Row]:
    """Sentences about problems: development questions, symptoms and questions of incidents that are not sealed."""
    for case in load_cases(FOLDER / "dev"):
        if case.kind in KINDS:
            yield from rows_of(case.query, False, str(case.cause))
    for incident in load_library([BUILT_IN]).incidents.values():
        if not sealed(incident.id, incident.symptom_groups):
            texts = (*incident.asked.en, *incident.asked.zh, *(s.symptom for s in incident.text.values()))
            for text in texts:
                yield from rows_of(text, False, incident.id)


def surroundings() -> Iterator[Row]:
    """Sentences of frames."""
    for name, text in load_frames(FRAMES).items():
        yield from rows_of(text.replace(PLACE, ""), True, name)


def rows_of(text: str, frame: bool, owner: str) -> Iterator[Row]:
    """The sentences of a text as rows."""
    return (Row(piece, frame, owner) for line in text.splitlines() for piece in pieces(line) if piece.strip())


def fit(rows: Sequence[Row]) -> chatter.Model:
    """The model of these sentences, cut to the features that weigh most."""
    seen = [{*chatter.features(row.text)} for row in rows]
    counts = Counter(feature for found in seen for feature in found)
    names = sorted(feature for feature, count in counts.items() if count >= LEAST)
    first = _regress(rows, seen, names)
    matters = np.abs(first.coef_[0]) * np.sqrt([counts[name] for name in names])
    names = sorted(names[i] for i in np.argsort(-matters)[:FEATURES])
    model = _regress(rows, seen, names)
    weights = {name: round(float(w), 2) for name, w in zip(names, model.coef_[0], strict=True)}
    return chatter.Model(weights, round(float(model.intercept_[0]), 3))


def _regress(rows: Sequence[Row], seen: Sequence[set[str]], names: Sequence[str]) -> Any:
    place = {name: i for i, name in enumerate(names)}
    at = np.array([(i, place[f]) for i, found in enumerate(seen) for f in found if f in place]).T
    table = csr_matrix((np.ones(at.shape[1]), (at[0], at[1])), shape=(len(rows), len(names)))
    frame = np.array([row.frame for row in rows], bool)
    weight = np.where(frame, FRAME_WEIGHT * (~frame).sum() / frame.sum(), 1.0)
    return LogisticRegression(C=RIDGE, max_iter=200, tol=1e-3).fit(table, frame, sample_weight=weight)


def _validate(rows: Sequence[Row]) -> None:
    """Print what is caught of frames and lost of problems, at some probabilities, out of fold."""
    fold = np.array([zlib.crc32(row.owner.encode()) % FOLDS for row in rows])
    scores = np.zeros(len(rows))
    for k in range(FOLDS):
        model = fit([row for row, f in zip(rows, fold, strict=True) if f != k])
        for i in np.flatnonzero(fold == k).tolist():
            scores[i] = model.score(rows[i].text)
    frame = np.array([row.frame for row in rows])
    for least in SHARES:
        found = scores > np.log(least / (1 - least))
        print(f"above {least}: {found[frame].mean():.3f} of frames caught, {found[~frame].mean():.4f} of problems lost")
