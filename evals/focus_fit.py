"""`python -m evals focus-fit`: learn which sentences of a long text to search by, into app/focus.json.

Sentences of frames that the model of chatter has not learned from (evals/forms/fit) against those of the development
questions, inside the base and outside. Needs an index. Prints what five-fold cross-validation by owner catches.
"""

import argparse
import json
import zlib
from collections.abc import Sequence, Set
from itertools import chain
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from app import focus
from app.casebook import Casebook
from app.settings import load_settings
from evals.cases import FOLDER, load_cases
from evals.forms_eval import KINDS, PLACE, load_frames
from evals.forms_fit import Row, rows_of
from kb.embedding import load_embedder
from kb.retrieval import Retriever

FRAMES = Path(__file__).parent / "forms" / "fit"
QUESTIONS = 2000  # sentences of questions at most, inside the base and outside
SHARES = (1.0, 1.0, 2.0)  # how much questions inside, outside and frames count in all
LOST = 0.02  # share of the questions' sentences that the threshold may cost
RELATIVE = 0.45  # of the surest problem of a text; chosen on development frames (evals/LOG.md)
FOLDS = 5


def sentences(known: Set[str]) -> tuple[list[Row], np.ndarray]:
    """The sentences, and how much each counts: frames as much as questions, outside ones as much as others."""
    cases = [case for case in load_cases(FOLDER / "dev") if case.kind in KINDS]
    cases.sort(key=lambda case: zlib.crc32(case.id.encode()))
    inside = [row for case in cases if case.cause in known for row in rows_of(case.query, False, str(case.cause))]
    outside = [row for case in cases if case.cause not in known for row in rows_of(case.query, False, str(case.cause))]
    frames = [r for name, text in load_frames(FRAMES).items() for r in rows_of(text.replace(PLACE, ""), True, name)]
    parts = [inside[:QUESTIONS], outside[:QUESTIONS], frames]
    weights = [np.full(len(p), 1000 * s / max(len(p), 1)) for p, s in zip(parts, SHARES, strict=True)]
    return [*chain(*parts)], np.concatenate(weights)


def main(argv: Sequence[str] = ()) -> int:
    """Learn and write."""
    argparse.ArgumentParser(prog="python -m evals focus-fit", description=__doc__).parse_args(argv)
    settings = load_settings()
    Casebook(settings).close()  # an index, where there is none
    retriever = Retriever(settings.index_root, load_embedder(settings.embedding, settings.data), settings.store)
    rows, weight = sentences({*retriever.catalog.incidents})
    table = np.array([[focus.features(row.text, retriever)[name] for name in focus.FEATURES] for row in rows])
    frame = np.array([row.frame for row in rows], bool)
    fold = np.array([zlib.crc32(row.owner.encode()) % FOLDS for row in rows])
    scores = np.zeros(len(rows))
    for k in range(FOLDS):
        model = LogisticRegression(max_iter=2000).fit(table[fold != k], frame[fold != k], weight[fold != k])
        scores[fold == k] = model.decision_function(table[fold == k])
    least = float(np.quantile(scores[~frame], 1 - LOST))
    area, caught = roc_auc_score(frame, scores, sample_weight=weight), (scores[frame] > least).mean()
    print(f"area under the curve {area:.3f}; above {least:.2f}: {caught:.3f} of the frames' sentences")
    model = LogisticRegression(max_iter=2000).fit(table, frame, weight)
    found = {name: round(float(w), 3) for name, w in zip(focus.FEATURES, model.coef_[0], strict=True)}
    found |= {"bias": round(float(model.intercept_[0]), 3), "relative": RELATIVE, "least": round(least, 2)}
    path = Path(focus.__file__).with_name("focus.json")
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(found)
    return 0
