"""`python -m evals retrieval`: recall@1, recall@3 and MRR on development queries, beside the baselines."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.casebook import build_index
from app.settings import Settings, load_settings
from evals.baselines import Rank, bm25, llama_index_default, ours
from evals.cases import FOLDER, Case, load_cases
from kb.embedding import load_embedder
from kb.retrieval import Retriever


def reciprocal_rank(ranking: Sequence[str], truth: str) -> float:
    """1/rank of the truth, 0 where it is not ranked."""
    return 1 / (ranking.index(truth) + 1) if truth in ranking else 0.0


def measure(rank: Rank, cases: Sequence[Case]) -> dict[str, float]:
    """Recall at 1 and 3, and the mean reciprocal rank."""
    rankings = [(list(rank(case.query)), str(case.cause)) for case in cases]
    total = max(len(cases), 1)
    return {
        "recall@1": sum(truth in found[:1] for found, truth in rankings) / total,
        "recall@3": sum(truth in found[:3] for found, truth in rankings) / total,
        "mrr": sum(reciprocal_rank(found, truth) for found, truth in rankings) / total,
    }


def main(argv: Sequence[str] = ()) -> int:
    """Print one row per system and language; exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m evals retrieval", description=__doc__)
    parser.add_argument("--cases", type=Path, default=FOLDER / "dev")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        base = load_settings()
        settings = Settings(data=Path(folder), embedding=base.embedding, incidents=base.incidents)
        embedder = load_embedder(settings.embedding, base.data, threads=2)
        build_index(settings, embedder=embedder)
        retriever = Retriever(settings.index_root, embedder)
        live = {name: i for name, i in retriever.catalog.incidents.items() if i.status != "retired"}
        cases = [case for case in load_cases(arguments.cases) if isinstance(case.cause, str) and case.cause in live]
        systems: Mapping[str, Rank] = {
            "casebook": ours(retriever),
            "bm25": bm25(live),
            "llama-index default": llama_index_default(live, embedder),
        }
        print(f"{len(cases)} development queries, {len(live)} incidents, {embedder.name}")
        for lang in ("en", "zh"):
            mine = [case for case in cases if case.language == lang]
            for name, rank in systems.items():
                row = "  ".join(f"{metric} {value:.3f}" for metric, value in measure(rank, mine).items())
                print(f"{lang}  n={len(mine):<4} {name:<20} {row}")
        retriever.close()
    return 0
