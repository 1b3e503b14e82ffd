"""`python -m evals gate`: the quality gate on the development cases; `--record` accepts the present state.

The record holds the ids of the cases that pass. A change fails when more than TOLERANCE of the recorded cases stop
passing on balance; the cases lost are named either way.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from app.settings import Settings, load_settings
from evals.cases import FOLDER, load_cases
from evals.outcomes import Outcome, run_apart

RECORD = Path(__file__).parent / "gate.json"
TOLERANCE = 0.01  # share of all cases: floating point differs a little between machines


def losses(outcomes: Sequence[Outcome], recorded: Sequence[str]) -> tuple[list[Outcome], int]:
    """The recorded cases that pass no longer, and how many pass now that did not."""
    known = set(recorded)
    lost = [o for o in outcomes if o.case.id in known and not o.passed]
    return lost, sum(o.passed and o.case.id not in known for o in outcomes)


def verdict(settings: Settings, record: Path = RECORD) -> tuple[bool, list[str]]:
    """Whether the development cases hold their recorded quality, and a line for every case lost."""
    outcomes = run_apart(settings, load_cases(FOLDER / "dev"))
    lost, won = losses(outcomes, json.loads(record.read_text("utf-8"))["passed"])
    held = len(lost) - won <= TOLERANCE * len(outcomes)
    lines = [f"lost: {o.case.id}: wanted {o.case.cause}, got {o.verdict} {o.first}" for o in lost]
    return held, [*lines, f"{sum(o.passed for o in outcomes)} of {len(outcomes)} pass; {len(lost)} lost, {won} won"]


def main(argv: Sequence[str] = ()) -> int:
    """Exit status 1 where quality was lost."""
    parser = argparse.ArgumentParser(prog="python -m evals gate", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the cases that pass now to gate.json")
    if parser.parse_args(argv).record:
        passed = sorted(o.case.id for o in run_apart(load_settings(), load_cases(FOLDER / "dev")) if o.passed)
        RECORD.write_text(json.dumps({"passed": passed}, indent=0) + "\n", encoding="utf-8")
        print(f"{len(passed)} recorded")
        return 0
    held, lines = verdict(load_settings())
    print("\n".join(lines))
    return 0 if held else 1
