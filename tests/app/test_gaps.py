"""What to write next: clusters of questions without an answer."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from app.casebook import Casebook
from app.diagnosis import Request
from app.gaps import CUT, clusters, find_gaps, report
from app.settings import Settings

UNKNOWN = "ValueError: polynomial root finder did not converge in stage {0}"


def test_rows_nearer_than_the_cut_lie_together() -> None:
    near, far = math.acos(1 - CUT + 0.05), math.acos(1 - CUT - 0.05)  # angles whose cosine distance is CUT ∓ 0.05
    angles = np.array([0.0, near, math.pi, math.pi + far])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert sorted(clusters(vectors)) == [[0, 1], [2], [3]]
    assert clusters(vectors[:1]) == [[0]]
    assert sorted(clusters(np.zeros((2, 3), np.float32))) == [[0], [1]]  # nothing understood: nothing in common


@pytest.fixture
def asked(data_folder: Path, casebook: Casebook, tmp_path: Path) -> Casebook:
    """A casebook of which some things were asked."""
    settings = Settings(data=data_folder, database=SecretStr(f"sqlite:///{tmp_path / 'cases.db'}"))
    return Casebook(settings, keep=True)


def test_unanswered_and_voted_down_questions_are_gathered(asked: Casebook) -> None:
    found = [asked.diagnose(Request(text=UNKNOWN.format(n))) for n in range(3)]
    assert {d.verdict for d in found} <= {"no_match", "insufficient"}
    known = asked.diagnose(Request(text="GRPO: loss is 0, reward_std is 0 and the advantage is 0 in every step"))
    assert known.verdict in ("diagnosed", "ambiguous")
    assert sum(gap.count for gap in find_gaps(asked)) == 3
    asked.feedback(known.case, "not_mine", note="it was the\nreward function")
    gaps = find_gaps(asked)
    asked.close()
    assert [(gap.count, gap.unanswered, gap.down_voted) for gap in gaps] == [(3, 3, 0), (1, 0, 1)]
    assert "polynomial" in gaps[0].question and gaps[1].notes == ("it was the\nreward function",)
    assert len(gaps[1].nearest) == 3 and gaps[1].nearest[0] in [i.id for i, _ in asked.search(gaps[1].question)[:3]]
    assert "3 × " in report(gaps) and "said: it was the reward function" in report(gaps)


def test_nothing_asked_is_no_gap(asked: Casebook) -> None:
    assert find_gaps(asked) == [] and report([]) == ""
    asked.close()


def test_the_commands_show_gaps_and_outcomes(asked: Casebook, data_folder: Path, tmp_path: Path) -> None:
    case = asked.diagnose(Request(text=UNKNOWN.format(1))).case
    asked.feedback(case, "fixed", incident="grpo-zero-advantage")
    asked.close()
    env = os.environ | {"CASEBOOK_DATA": str(data_folder), "CASEBOOK_DATABASE": f"sqlite:///{tmp_path / 'cases.db'}"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.main", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)

    assert [gap["count"] for gap in json.loads(run("gaps", "--json").stdout)] == [1]
    shown = run("show", "grpo-zero-advantage")
    assert "reported here: fixed 1" in shown.stderr and "reported" not in shown.stdout.splitlines()[0]
