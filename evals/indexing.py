"""Indexing against the bare model: `python -m evals indexing [--incidents N]`. Exit 1 below the bar.

Both embed the same passages in one run, taking turns; the bare model gets them sorted by length in one call, which is
its best. The share is the bare model's seconds divided by those of the whole index run (reading and checking files,
cutting passages, embedding, writing Chroma and the lexical index); the median of the rounds counts.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from app.settings import load_settings
from kb.embedding import Embedder, load_embedder
from kb.index import build
from kb.library import BUILT_IN, load_library
from kb.passages import passages

BAR = 0.85  # DESIGN.md, section 6


def chosen(folder: Path, count: int) -> list[Path]:
    """Copies of the first incidents, so that the run is bounded."""
    library = load_library([BUILT_IN])
    for name in sorted(library.incidents)[:count]:
        shutil.copy(library.paths[name], folder)
    return [folder]


def bare(embedder: Embedder, texts: Sequence[str]) -> float:
    """Seconds of the model alone."""
    start = time.perf_counter()
    embedder.embed(texts, "passage")
    return time.perf_counter() - start


def whole(embedder: Embedder, folders: Sequence[Path], root: Path) -> float:
    """Seconds of an index run over the same."""
    start = time.perf_counter()
    build(root, folders, embedder, rebuild=True)
    return time.perf_counter() - start


def main(argv: Sequence[str] = ()) -> int:
    """Print both and their share."""
    parser = argparse.ArgumentParser(prog="python -m evals indexing", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    settings = load_settings()
    embedder = load_embedder(settings.embedding, settings.data, threads=os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "incidents"
        folder.mkdir()
        folders = chosen(folder, arguments.incidents)
        incidents = load_library(folders).incidents.values()
        texts = [p.embedded for i in incidents for p in passages(i, embedder.count_tokens, embedder.reads_chinese)]
        embedder.embed(texts[:64], "passage")  # warm
        rounds = []
        for number in range(arguments.rounds):
            alone, run = bare(embedder, texts), whole(embedder, folders, Path(name) / f"index-{number}")
            rounds.append((alone, run))
            print(f"{len(texts)} passages: bare {len(texts) / alone:.0f}/s, index run {len(texts) / run:.0f}/s")
    share = statistics.median(alone / run for alone, run in rounds)
    print(f"index run at {share:.2f} of the bare model (bar {BAR})")
    return 0 if share >= BAR else 1
