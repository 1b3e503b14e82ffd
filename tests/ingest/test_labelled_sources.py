"""The labelled sources of evals/ingest, with a floor under each figure: what was reached must not be lost unseen."""

from pathlib import Path

import pytest

from evals.ingest_unseen import FIELDS, measure

FOLDER = Path(__file__).parents[2] / "evals" / "ingest"


@pytest.mark.parametrize(("name", "least"), [("heldout", 0.97), ("heldout2", 0.90), ("dev", 0.94)])
def test_titles_symptoms_causes_and_fixes(name: str, least: float) -> None:
    tally, failures = measure(FOLDER / name)
    spans = [good for verdicts in tally.values() for field in FIELDS for good in verdicts.get(field, [])]
    assert sum(spans) / len(spans) >= least, "\n".join(failures)
    for field, floor in (("none", 1.0), ("confirmed", 0.98), ("navigation", 0.98)):
        verdicts = [good for by_field in tally.values() for good in by_field.get(field, [])]
        assert sum(verdicts) / len(verdicts) >= floor, (field, failures)
