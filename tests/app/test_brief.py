"""Questions of few words: the incidents of the symptom's group first, those reported often before the rest."""

import math
from pathlib import Path

import pytest

from app.brief import MIN_SAID, add_typical, typical_groups
from app.casebook import Casebook
from app.diagnosis import Request
from app.features import Candidate
from kb.catalog import Catalog
from kb.evidence import Input, read
from kb.library import BUILT_IN, load_library


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    path: Path = tmp_path_factory.mktemp("catalog") / "catalog.jsonl"
    library = load_library([BUILT_IN])
    Catalog.save(path, library.incidents, library.groups)
    return Catalog(path)


def test_the_groups_of_a_symptom_are_those_whose_incidents_show_it(catalog: Catalog) -> None:
    assert "loss-zero" in typical_groups(catalog, "loss-zero-from-start")
    assert "model-download-fails" not in typical_groups(catalog, "loss-zero-from-start")
    assert typical_groups(catalog, "no-such-signal") == set()


def test_group_and_reports_count_only_where_little_is_said(catalog: Catalog) -> None:
    evidence = read([Input("text", "loss is 0")]).evidence
    names = ("axolotl-loss-zero-field-mapping", "hf-download-read-timed-out")
    found = [Candidate(catalog.incidents[name]) for name in names]
    add_typical(found, evidence, catalog, MIN_SAID)
    assert [candidate.features for candidate in found] == [{}, {}]
    add_typical(found, evidence, catalog, 0.3)
    assert [candidate.features["typical"] for candidate in found] == [1.0, 0.0]
    assert found[0].features["reported"] == pytest.approx(math.log(len(found[0].incident.sources)))


@pytest.mark.parametrize(
    ("question", "group"),
    [
        ("loss is 0", "loss-zero"),
        ("nccl timeout", "collective-timeout"),
        ("模型下载失败", "model-download-fails"),
        ("can't download the model", "model-download-fails"),
    ],
)
def test_a_bare_symptom_is_answered_with_its_group_and_a_check(casebook: Casebook, question: str, group: str) -> None:
    diagnosis = casebook.diagnose(Request(text=question))
    incidents = casebook.incidents()
    assert diagnosis.verdict == "ambiguous"
    assert sum(group in incidents[cause.incident].symptom_groups for cause in diagnosis.causes) >= 3
    assert any(check.id.startswith(f"{group}.") for check in diagnosis.next_checks)
