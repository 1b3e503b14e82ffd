"""Secrets recall and damage of redaction: `python -m evals secrets`. Exit 1 below the bars.

Recall is the share of labelled secrets that are gone from their text. A line is damaged when anything but its labelled
secrets changed, or when a line of evals/secrets/harmless.yaml changed at all.
"""

import random
import re
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kb import yamlio
from kb.redact import redact

RECALL_BAR = 0.99
DRAWS = 10
FOLDER = Path(__file__).parent / "secrets"
_ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "H": string.ascii_uppercase + string.digits,
    "w": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "l": string.ascii_lowercase,
    "d": string.digits,
}
_SLOT = re.compile("«(?:=([^»]*)|([^|»]*)\\|(.)\\|(\\d+)(?:\\|([^»]*))?|@)»")
_PLACEHOLDER = r"<[a-z-]+-\d+>"


class Case(NamedTuple):
    """A text, its secrets, and the pattern its redacted form must match."""

    group: str
    text: str
    secrets: tuple[str, ...]
    expected: re.Pattern[str]


class Score(NamedTuple):
    """Counts over all cases, and one line for each failure."""

    secrets: int
    found: int
    lines: int
    damaged: int
    failures: list[str]

    @property
    def recall(self) -> float:
        """The share of secrets that are gone."""
        return self.found / self.secrets


def cases(seed: int = 7) -> list[Case]:
    """The labelled set with secrets drawn from `seed`."""
    draw = random.Random(seed)
    data = yamlio.load((FOLDER / "cases.yaml").read_text("utf-8"), "cases.yaml")[0]
    return [_case(group, template, draw) for group, templates in data.items() for template in templates]


def harmless() -> list[str]:
    """Lines that must not change."""
    data = yamlio.load((FOLDER / "harmless.yaml").read_text("utf-8"), "harmless.yaml")[0]
    return [line for lines in data.values() for line in lines]


def _case(group: str, template: str, draw: random.Random) -> Case:
    template = template.replace("¦", "")  # splits what a secret scanner would take for real
    text, expected, done = "", "", 0
    secrets: list[str] = []
    for slot in _SLOT.finditer(template):
        literal, prefix, alphabet, length, end = slot.groups()
        if alphabet:
            secrets.append(prefix + "".join(draw.choices(_ALPHABETS[alphabet], k=int(length))) + (end or ""))
        elif literal is not None:
            secrets.append(literal)
        value = secrets[-1]
        between = template[done : slot.start()]
        text += between + value
        expected += re.escape(between) + _PLACEHOLDER
        done = slot.end()
    rest = template[done:]
    return Case(group, text + rest, tuple(secrets), re.compile(expected + re.escape(rest)))


def evaluate(draws: int = DRAWS) -> Score:
    """Redact every case with secrets drawn `draws` times, and every harmless line."""
    secrets = found = lines = damaged = 0
    failures = []
    for case in (case for seed in range(draws) for case in cases(seed)):
        result = redact(case.text).text
        gone = [secret not in result for secret in case.secrets]
        secrets, found, lines = secrets + len(gone), found + sum(gone), lines + 1
        if all(gone) and not case.expected.fullmatch(result):
            damaged += 1
            failures.append(f"damaged: {case.text!r} -> {result!r}")
        failures += [f"missed: {s!r} in {result!r}" for s, ok in zip(case.secrets, gone, strict=True) if not ok]
    for line in harmless():
        result, lines = redact(line).text, lines + 1
        if result != line:
            damaged += 1
            failures.append(f"damaged: {line!r} -> {result!r}")
    return Score(secrets, found, lines, damaged, failures)


def main(argv: Sequence[str] = ()) -> int:
    """Print the score; 1 when a bar is missed."""
    score = evaluate()
    out = [*score.failures, f"secrets {score.secrets}  recall {score.recall:.4f}  (bar {RECALL_BAR})"]
    out.append(f"lines {score.lines}  damaged {score.damaged}  (bar 0)")
    sys.stdout.write("\n".join(out) + "\n")
    return int(score.recall < RECALL_BAR or score.damaged > 0)


if __name__ == "__main__":
    sys.exit(main())
