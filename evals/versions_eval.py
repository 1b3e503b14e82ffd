"""Accuracy of reading versions from labelled pastes: `python -m evals versions`. Exit 1 below the bar.

Accuracy is over pairs (paste, component) that are expected or read: a wrong, missing or additional version is an error;
a paste without any version counts as one pair.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kb import yamlio
from kb.evidence.model import Line
from kb.evidence.versions import read_versions

ACCURACY_BAR = 0.97
PASTES = Path(__file__).parent / "versions" / "pastes.yaml"


class Score(NamedTuple):
    """Right pairs of all pairs, the number of pastes, and a line for each failure."""

    right: int
    pairs: int
    pastes: int
    failures: list[str]

    @property
    def accuracy(self) -> float:
        """The share of right pairs."""
        return self.right / self.pairs


def pastes() -> list[tuple[str, dict[str, str]]]:
    """The texts and the versions expected of each."""
    data = yamlio.load(PASTES.read_text("utf-8"), PASTES.name)[0]
    return [(item["text"], {name: str(version) for name, version in item["expect"].items()}) for item in data]


def read(text: str) -> dict[str, str]:
    """The versions read from one text."""
    lines = (Line("paste", number, line) for number, line in enumerate(text.split("\n"), 1))
    return {component: seen.version for component, seen in read_versions(lines).items()}


def evaluate() -> Score:
    """Read every paste."""
    right = pairs = 0
    failures = []
    for text, expected in pastes():
        found = read(text)
        components = expected.keys() | found.keys()
        wrong = [name for name in components if expected.get(name) != found.get(name)]
        pairs += max(1, len(components))
        right += max(1, len(components)) - len(wrong)
        failures += [f"{n}: {expected.get(n)} read as {found.get(n)} in {text[:100]!r}" for n in sorted(wrong)]
    return Score(right, pairs, len(pastes()), failures)


def main(argv: Sequence[str] = ()) -> int:
    """Print the score; 1 when the bar is missed."""
    score = evaluate()
    last = f"pastes {score.pastes}  pairs {score.pairs}  accuracy {score.accuracy:.4f}  (bar {ACCURACY_BAR})"
    print("\n".join([*score.failures, last]))
    return int(score.accuracy < ACCURACY_BAR)


if __name__ == "__main__":
    sys.exit(main())
