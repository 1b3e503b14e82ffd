"""`python -m evals run`: every case through the product, judged by DESIGN.md's bars, beside the baselines."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss

from app.casebook import Casebook
from app.settings import load_settings
from evals.baselines import bm25, fused, llama_index_default
from evals.cases import FOLDER, load_cases
from evals.metrics import Share, calibration_error, difference, share
from evals.outcomes import Outcome, only, run
from evals.report import write_report
from evals.trainproof_eval import against_trainproof
from kb.embedding import PLAIN_MODEL, load_embedder

LOG = Path(__file__).parent / "LOG.md"
Table = dict[str, str]


def main(argv: Sequence[str] = ()) -> int:
    """Run one part of the cases; print and, as asked, save, compare and report."""
    parser = argparse.ArgumentParser(prog="python -m evals run", description=__doc__)
    parser.add_argument("--part", choices=("dev", "sealed"), default="dev")
    parser.add_argument("--only", default="", help="cases whose id begins so: real- are reworded public reports")
    parser.add_argument(
        "--baselines", action="store_true", help="also llama-index, BM25, both fused, and trainproof, paired"
    )
    parser.add_argument("--save", type=Path, help="write the outcomes as JSON, for --compare")
    parser.add_argument("--compare", type=Path, help="a saved run: list the cases that changed")
    parser.add_argument("--report", type=Path, help="write an HTML report with every failed case")
    parser.add_argument("--note", help="append the figures to LOG.md under this note")
    arguments = parser.parse_args(argv)
    settings = load_settings()
    cases = [case for case in load_cases(FOLDER / arguments.part) if case.id.startswith(arguments.only)]
    casebook = Casebook(settings, lambda line: print(line, file=sys.stderr))
    outcomes = run(casebook, cases)
    table = summarise(outcomes)
    if settings.rerank:
        table |= against_none(outcomes, run(Casebook(settings.model_copy(update={"rerank": None})), cases))
    if arguments.baselines:
        table |= against_baselines(casebook, outcomes) | against_trainproof(outcomes, casebook.incidents())
    for name, value in table.items():
        print(f"{name:<44} {value}")
    if arguments.save:
        arguments.save.write_text(json.dumps([_saved(o) for o in outcomes], ensure_ascii=False, indent=1), "utf-8")
    if arguments.compare:
        print_comparison(json.loads(arguments.compare.read_text("utf-8")), outcomes)
    if arguments.report:
        write_report(arguments.report, table, outcomes, casebook.incidents())
    if arguments.note or arguments.part == "sealed":
        append_log(arguments.part, arguments.note or "run", table)
    return 0


def summarise(outcomes: Sequence[Outcome]) -> Table:
    """Every figure of DESIGN.md section 6 that the cases can give."""
    decidable = only(outcomes, answerable=True)
    vague = only(outcomes, answerable=True, decidable=False)
    outside = only(outcomes, answerable=False)
    table = {
        "cases": f"{len(outcomes)} ({len(decidable)} decidable, {len(vague)} undecidable, {len(outside)} outside)",
        "decidable: right cause and fix, diagnosed": str(share([o.passed for o in decidable])),
        "decidable: right cause first, any verdict": str(share([o.right for o in decidable])),
        "decidable: ambiguous": str(share([o.verdict == "ambiguous" for o in decidable])),
        "decidable: refused": str(share([o.verdict in ("no_match", "insufficient") for o in decidable])),
        "decidable: diagnosed wrongly": str(share([o.verdict == "diagnosed" and not o.right for o in decidable])),
        "undecidable: ambiguous, truth in 4, check splits": str(share([o.passed for o in vague])),
        "outside: diagnosed": str(share([o.verdict == "diagnosed" for o in outside])),
    }
    for lang in ("en", "zh"):
        table[f"decidable, {lang}: passed"] = str(share([o.passed for o in decidable if o.case.language == lang]))
    for kind in sorted({o.case.kind for o in outcomes}):
        table[f"kind {kind}: passed"] = str(share([o.passed for o in outcomes if o.case.kind == kind]))
    table |= _pairs(outcomes) | _calibration(outcomes)
    times = [o.milliseconds for o in outcomes]
    table["milliseconds: median, p95"] = f"{np.median(times):.1f}, {np.percentile(times, 95):.1f}"
    return table


def _pairs(outcomes: Sequence[Outcome]) -> Table:
    """English minus Chinese over pairs of the same case."""
    by_id = {o.case.id: o for o in outcomes}
    pairs = [(o, by_id[o.case.pair]) for o in outcomes if o.case.language == "zh" and o.case.pair in by_id]
    if not pairs:
        return {}
    return {"pairs: en − zh passed": str(difference([en.passed for _, en in pairs], [zh.passed for zh, _ in pairs]))}


def _calibration(outcomes: Sequence[Outcome]) -> Table:
    """Confidence of the first cause against whether it is right, over cases that show one."""
    shown = [o for o in outcomes if o.ranking]
    if len({o.right for o in shown}) < 2:
        return {}
    confidence, right = [o.confidence for o in shown], [o.right for o in shown]
    base = float(np.mean(right))
    return {
        "log loss: confidence": f"{log_loss(right, confidence):.3f}",
        "log loss: a constant": f"{log_loss(right, [base] * len(right)):.3f}",
        "calibration error (5 bins, debiased)": f"{calibration_error(confidence, right):.3f} n={len(shown)}",
    }


def against_baselines(casebook: Casebook, outcomes: Sequence[Outcome]) -> Table:
    """Right cause first, ours minus each baseline, paired, over answerable decidable cases; by language."""
    settings = load_settings()
    live = {name: i for name, i in casebook.incidents().items() if i.status != "retired"}
    dense = llama_index_default(live, load_embedder(PLAIN_MODEL, settings.data, threads=2))
    words = bm25(live)
    systems: Mapping[str, Callable[[str], Sequence[str]]] = {
        "llama-index default": dense,
        "BM25": words,
        "dense + BM25 by RRF": fused(dense, words),
    }
    decidable = only(outcomes, answerable=True)
    table: Table = {}
    for name, rank in systems.items():
        theirs = [list(rank(o.case.query))[:1] == [o.case.cause] for o in decidable]
        table[f"{name}: right cause first"] = str(share(theirs))
        for lang in ("all", "en", "zh"):
            kept = [i for i, o in enumerate(decidable) if lang in ("all", o.case.language)]
            gap: Share = difference([decidable[i].right for i in kept], [theirs[i] for i in kept])
            table[f"ours − {name}, {lang}"] = str(gap)
    return table


def against_none(outcomes: Sequence[Outcome], plain: Sequence[Outcome]) -> Table:
    """What a rerank model changes: the same cases with it minus without it, paired."""
    inside = [i for i, o in enumerate(outcomes) if o.answerable and o.case.decidable]
    outside = [i for i, o in enumerate(outcomes) if not o.answerable]
    first = difference([outcomes[i].right for i in inside], [plain[i].right for i in inside])
    passed = difference([outcomes[i].passed for i in inside], [plain[i].passed for i in inside])
    kept = difference([outcomes[i].passed for i in outside], [plain[i].passed for i in outside])
    return {
        "rerank model − none: right cause first": str(first),
        "rerank model − none: decidable passed": str(passed),
        "rerank model − none: outside passed": str(kept),
        "milliseconds without it: median": f"{np.median([o.milliseconds for o in plain]):.1f}",
    }


def _saved(outcome: Outcome) -> dict[str, object]:
    return {"id": outcome.case.id, "verdict": outcome.verdict, "first": outcome.first, "passed": outcome.passed}


def print_comparison(before: Sequence[Mapping[str, object]], outcomes: Sequence[Outcome]) -> None:
    """The cases whose result changed, worse ones first."""
    old = {str(row["id"]): row for row in before}
    changed = [o for o in outcomes if o.case.id in old and old[o.case.id]["passed"] != o.passed]
    for o in sorted(changed, key=lambda o: (o.passed, o.case.id)):
        was = old[o.case.id]
        print(
            f"{'better' if o.passed else 'WORSE '} {o.case.id}: {was['verdict']} {was['first']} → {o.verdict} {o.first}"
        )
    print(f"{sum(o.passed for o in changed)} better, {sum(not o.passed for o in changed)} worse")


def append_log(part: str, note: str, table: Table) -> None:
    """Add the figures of a run to LOG.md."""
    lines = [f"\n## {datetime.now(UTC).date()} {part}: {note}\n", "| figure | value |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in table.items()]
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n".join(lines) + "\n")
