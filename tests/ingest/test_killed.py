"""Ingest killed at random moments: what is there is whole, the next run completes it, nothing is lost or doubled."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evals import ingest_threads
from evals.ingest_eval import stories
from ingest.draft_files import load_draft

ROOT = Path(__file__).parents[2]
RUN = "import sys; from pathlib import Path; from ingest.run import files_of, ingest\n"
RUN += "for _ in ingest(files_of([Path(sys.argv[1])]), Path(sys.argv[2]), workers=1): pass"


def start(sources: Path, into: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", RUN, str(sources), str(into)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def saved(folder: Path, count: int) -> Path:
    """Generated threads as files."""
    folder.mkdir()
    rng, told = random.Random(5), stories()["incidents"]
    for number in range(count):
        story = dict(told[number % len(told)]) | {"title": f"{told[number % len(told)]['title']} ({number})"}
        data = ingest_threads.rest(ingest_threads.talk(story, rng))
        (folder / f"{number:02d}.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    return folder


def contents(into: Path) -> dict[str, bytes]:
    """Every file of the folder that is not hidden."""
    return {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file() and p.name[0] != "."}


def killed_after(seconds: float, sources: Path, into: Path) -> None:
    process = start(sources, into)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def whole(into: Path, expected: dict[str, bytes]) -> None:
    """Whatever is there is as it will be, and every draft that is there has all its files."""
    for name, content in contents(into).items():
        assert content == expected[name], name
        if name.endswith(".md"):
            load_draft(into / name)


def series(moments: int, threads: int, folder: Path) -> None:
    sources, into, undisturbed = saved(folder / "sources", threads), folder / "drafts", folder / "undisturbed"
    begin = time.monotonic()
    assert start(sources, undisturbed).wait() == 0
    took = time.monotonic() - begin
    expected = contents(undisturbed)
    assert sum(name.endswith(".md") for name in expected) == threads
    rng = random.Random(11)
    for moment in range(moments):
        killed_after(rng.uniform(0.1, 1.0) * took, sources, into)
        if into.exists():
            whole(into, expected)
        if moment % 5 == 4:  # from time to time the run is left to complete
            assert start(sources, into).wait() == 0
            assert contents(into) == expected
            assert not list(into.rglob(".*.tmp"))
            shutil.rmtree(into)
    assert start(sources, into).wait() == 0
    assert contents(into) == expected


def test_killed_at_two_moments(tmp_path: Path) -> None:
    series(2, 8, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_at_a_hundred_moments(tmp_path: Path) -> None:
    series(100, 30, tmp_path)
