"""Reading configurations, and findings on good ones: `python -m evals configs [LABELLED.yaml]`. Exit 1 below the bars.

Accuracy is over settings that are expected or read: a wrong, missing or additional one is an error; a text that sets
nothing counts as one. A finding on a good configuration is false whatever it says, unless it only informs.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kb import yamlio
from kb.configs import read_configs
from kb.evidence import Input
from kb.library import BUILT_IN, load_library
from kb.rules import findings, load_rules, same

ACCURACY_BAR = 0.97
FOLDER = Path(__file__).parent / "configs"


class Score(NamedTuple):
    """Right settings of all settings, the number of texts, and a line for each failure."""

    right: int
    settings: int
    texts: int
    failures: list[str]


def read(text: str, name: str) -> dict[tuple[str, str], Any]:
    """Kind and key → value."""
    return {(v.kind, v.key): v.value for v in read_configs([Input(name, text)])}


def evaluate(path: Path = FOLDER / "labelled.yaml") -> Score:
    """Read every labelled fragment of a file."""
    right = settings = 0
    failures = []
    items = yamlio.load(path.read_text("utf-8"), path)[0]
    for item in items:
        expected = {(e["kind"], e["key"]): e["value"] for e in item["expect"]}
        found = read(item["text"], item.get("name", "text"))
        both, text = expected.keys() | found.keys(), item["text"][:80]
        wrong = [k for k in both if k not in expected or k not in found or not same(found[k], expected[k])]
        settings += max(1, len(both))
        right += max(1, len(both)) - len(wrong)
        failures += [
            f"{' '.join(k)}: {expected.get(k, 'nothing')!r} read as {found.get(k, 'nothing')!r} in {text!r}"
            for k in sorted(wrong)
        ]
    return Score(right, settings, len(items), failures)


def false_findings() -> Iterator[tuple[bool, str]]:
    """Findings on the good configurations: whether it counts as false, and a line."""
    incidents, rules = load_library([BUILT_IN]).incidents.values(), load_rules()
    for path in sorted((FOLDER / "good").iterdir()):
        for finding in findings(read_configs([Input(path.name, path)]), {}, incidents, rules):
            yield finding.severity != "info", f"{path.name}: {finding.severity}: {finding.rule}"


def main(argv: Sequence[str] = ()) -> int:
    """Print the score; 1 when a bar is missed."""
    score, found = evaluate(*(Path(name) for name in argv[:1])), list(false_findings())
    accuracy, false = score.right / score.settings, sum(counts for counts, _ in found)
    good = len(list((FOLDER / "good").iterdir()))
    print("\n".join([*score.failures, *(line for _, line in found)]))
    print(f"fragments {score.texts}  settings {score.settings}  accuracy {accuracy:.4f}  (bar {ACCURACY_BAR})")
    print(f"good configurations {good}  false findings {false}  (bar 0)  that only inform {len(found) - false}")
    return int(accuracy < ACCURACY_BAR or false > 0)


if __name__ == "__main__":
    sys.exit(main())
