from pathlib import Path

import pytest

from kb.catalog import Catalog
from kb.errors import UnavailableError
from kb.library import BUILT_IN, load_library


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generation") / "catalog.jsonl"
    library = load_library([BUILT_IN])
    Catalog.save(path, library.incidents, library.groups)
    return path


def test_a_catalog_holds_what_was_saved(written: Path) -> None:
    library, catalog = load_library([BUILT_IN]), Catalog(written)
    assert dict(catalog.incidents) == dict(library.incidents)
    assert catalog.groups == library.groups
    assert [i.id for i in catalog.configured] == [i.id for i in library.incidents.values() if i.config]
    signal = next(i.signals[0] for i in library.incidents.values() if i.signals)
    assert catalog.by_signal[signal] == [i.id for i in library.incidents.values() if signal in i.signals]


def test_an_unknown_incident_is_a_key_error_and_is_not_in(written: Path) -> None:
    catalog = Catalog(written)
    assert "no-such-incident" not in catalog.incidents
    with pytest.raises(KeyError):
        catalog.incidents["no-such-incident"]


def test_a_damaged_line_names_the_index_and_what_helps(written: Path) -> None:
    damaged = written.with_name("damaged.jsonl")
    head, first, *rest = written.read_bytes().split(b"\n")
    damaged.write_bytes(b"\n".join([head, first[:40], *rest]))
    catalog = Catalog(damaged)
    with pytest.raises(UnavailableError, match="casebook index --rebuild"):
        dict(catalog.incidents)


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_a_cut_off_file_is_refused_when_opened(written: Path, kept: int) -> None:
    cut = written.with_name("cut.jsonl")
    cut.write_bytes(b"\n".join(written.read_bytes().split(b"\n")[:kept]))
    with pytest.raises(ValueError):
        Catalog(cut)
