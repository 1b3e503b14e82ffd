"""Verification of sentences: `python -m evals claims [FILE …] [--flips [N]]`. Exit 1: a bar missed.

A file is a list of {sentence, incident, field, good, why}, with `language` and `paste` where needed (or text, lang,
flip); without files the development set is used, with --flips what is made of N incidents. Printed: falsehoods that
passed, good sentences that would be replaced, and processor milliseconds.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from app.claims import Problem, Sentence, Verifier
from evals.metrics import share
from kb import yamlio
from kb.evidence.language import language_of
from kb.library import BUILT_IN, load_library
from kb.tokens import has_chinese
from kb.types import Incident, Lang

FOLDER = Path(__file__).parent / "claims"
REPLACED_BAR, MS_BAR = 0.10, 10.0
FLIPPED = 150  # incidents


class Labelled(NamedTuple):
    """A sentence, what it may rest on, and whether it may be shown."""

    sentence: Sentence
    paste: str
    lang: Lang
    good: bool
    why: str

    def sent(self, incident: str) -> str:
        """What may be told as evidence."""
        return self.paste


class Outcome(NamedTuple):
    """What the verification said of a labelled sentence, and how long it took."""

    labelled: Labelled
    problems: tuple[Problem, ...]
    ms: float


def load(path: Path) -> list[Labelled]:
    """The labelled sentences of a file. Raises IncidentError for bad YAML."""
    rows: Sequence[Mapping[str, object]] = yamlio.load(path.read_text(encoding="utf-8"), path)[0]
    return [_labelled(row) for row in rows]


def _labelled(row: Mapping[str, object]) -> Labelled:
    text = str(row.get("sentence") or row["text"])
    given = row.get("language") or row.get("lang")
    lang: Lang = "zh" if (given == "zh" if given else has_chinese(text) and language_of(text) == "zh") else "en"
    sentence = Sentence(text, str(row["incident"]), str(row["field"]))
    return Labelled(
        sentence, str(row.get("paste") or ""), lang, row["good"] is True, str(row.get("why") or row.get("flip") or "")
    )


def judge(items: Sequence[Labelled], incidents: Mapping[str, Incident]) -> Iterator[Outcome]:
    """Each sentence verified; reading the incident is not in the time, as it is done once a diagnosis."""
    for item in items:
        mine = {k: v for k, v in incidents.items() if k == item.sentence.incident}
        verifier = Verifier(mine, item.sent)
        verifier.problems(Sentence("Warm.", item.sentence.incident, item.sentence.field), "en")
        start = time.thread_time()  # processor time: other programs of the machine are not counted
        problems = verifier.problems(item.sentence, item.lang)
        yield Outcome(item, problems, (time.thread_time() - start) * 1000)


def main(argv: Sequence[str] = ()) -> int:
    """Print the figures of each file; 1 when one misses a bar."""
    incidents = load_library([BUILT_IN]).incidents
    if "--flips" in argv:
        from evals.claims_flips import made

        counts = [int(word) for word in argv if word.isdigit()] or [FLIPPED]
        return _report(Path("flips"), list(judge(made(incidents, counts[0]), incidents)), "--quiet" not in argv)
    files = [Path(name) for name in argv if not name.startswith("--")] or [FOLDER / "near.yaml"]
    return max(_report(path, list(judge(load(path), incidents)), "--quiet" not in argv) for path in files)


def _report(path: Path, outcomes: Sequence[Outcome], failures: bool) -> int:
    good = [o for o in outcomes if o.labelled.good]
    bad = [o for o in outcomes if not o.labelled.good]
    passed, replaced = [o for o in bad if not o.problems], [o for o in good if o.problems]
    if failures:
        print("\n".join([*(f"passed: {_line(o)}" for o in passed), *(f"replaced: {_line(o)}" for o in replaced)]))
    times = sorted(o.ms for o in outcomes)
    reasons = Counter(p.kind for o in replaced for p in o.problems[:1])
    print(f"{path.name}: {len(outcomes)} sentences")
    print(f"  falsehoods passed {len(passed)} of {len(bad)}  {share([not o.problems for o in bad])}  (bar 0)")
    print(f"  good ones replaced {len(replaced)} of {len(good)}  {share([bool(o.problems) for o in good])}"
          f"  (bar {REPLACED_BAR})  by {dict(reasons)}")  # fmt: skip
    for lang in ("en", "zh"):
        mine = [o for o in outcomes if o.labelled.lang == lang]
        false = [not o.problems for o in mine if not o.labelled.good]
        print(f"  {lang}: passed {share(false)}  replaced {share([bool(o.problems) for o in mine if o.labelled.good])}")
    middle, high = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"  milliseconds a sentence: median {middle:.1f}, 95th percentile {high:.1f}  (bar {MS_BAR:g})")
    return int(bool(passed) or len(replaced) > REPLACED_BAR * len(good) or middle > MS_BAR)


def _line(outcome: Outcome) -> str:
    item = outcome.labelled
    reasons = "; ".join(f"{p.kind} {p.detail}" for p in outcome.problems[:2]) or item.why
    return f"{item.sentence.incident}/{item.sentence.field}: {item.sentence.text}  [{reasons}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
