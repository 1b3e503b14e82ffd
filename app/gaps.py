"""What to write next: questions that found no answer, or a wrong one, in clusters. The one seam to scipy in app."""

import json
from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from app.casebook import Casebook
from app.casefile import Question
from kb.types import Frozen

MAX_QUESTIONS = 2000  # the newest; all pairs are compared
MAX_SHOWN = 400  # characters of a question
NEAREST = 3
# Complete linkage of cosine distances, cut where questions of one cause fall best together: adjusted Rand index 0.30 on
# the 1,238 development cases of 498 causes (average linkage at its best 0.29); of two questions in one cluster four in
# ten have the same cause, the others usually the same area.
CUT = 0.45


class Gap(Frozen):
    """Questions that belong together. `question` is the one nearest to all others, redacted."""

    question: str
    count: int
    unanswered: int
    down_voted: int
    notes: tuple[str, ...]
    nearest: tuple[str, ...]  # ids of incidents


def find_gaps(casebook: Casebook) -> list[Gap]:
    """The clusters, the largest first. Raises UnavailableError where the database of cases cannot be read."""
    asked = [question for question in casebook.questions() if question.text.strip()][:MAX_QUESTIONS]
    if not asked:
        return []
    vectors = casebook.vectors([question.text for question in asked])
    gaps = [_gap(casebook, [asked[i] for i in members], vectors[members]) for members in clusters(vectors)]
    return sorted(gaps, key=lambda gap: -gap.count)


def clusters(vectors: np.ndarray) -> list[list[int]]:
    """The rows that lie together, by row number. Rows are unit vectors, or zero where nothing was understood."""
    if len(vectors) == 1:
        return [[0]]
    close = np.clip(vectors @ vectors.T, -1, 1)
    distances = 1 - close[np.triu_indices(len(vectors), 1)]
    labels = fcluster(linkage(distances, "complete"), CUT, "distance")
    found: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        found.setdefault(int(label), []).append(row)
    return list(found.values())


def _gap(casebook: Casebook, asked: Sequence[Question], vectors: np.ndarray) -> Gap:
    middle = asked[int(np.argmax((vectors @ vectors.T).sum(axis=1)))]
    votes = sum(question.why == "down_voted" for question in asked)
    return Gap(
        question=" ".join(middle.text.split())[:MAX_SHOWN],
        count=len(asked),
        unanswered=len(asked) - votes,
        down_voted=votes,
        notes=tuple(dict.fromkeys(question.note for question in asked if question.note)),
        nearest=tuple(incident.id for incident, _ in casebook.search(middle.text)[:NEAREST]),
    )


def report(gaps: Sequence[Gap], as_json: bool = False) -> str:
    """The clusters as text, or as JSON."""
    if as_json:
        return json.dumps([gap.model_dump() for gap in gaps], ensure_ascii=False, indent=2) + "\n"
    lines = []
    for gap in gaps:
        votes = f", {gap.down_voted} voted down" if gap.down_voted else ""
        lines.append(f"{gap.count} × {gap.question}\n    {gap.unanswered} unanswered{votes}")
        lines += [f"    said: {' '.join(note.split())[:MAX_SHOWN]}" for note in gap.notes]
        lines.append(f"    nearest: {', '.join(gap.nearest) or 'none'}")
    return "".join(f"{line}\n" for line in lines)
