"""What should be looked at again, by dated rules; what was retired still answers and points on."""

from datetime import date
from pathlib import Path

from test_writeups import FULL

from kb.errors import IncidentError
from kb.library import Library, load_library, scan
from kb.stale import stale_incidents

BASE = (
    FULL.replace("id: every-key", "id: one")
    .replace("symptom_groups: [loss-zero]", "symptom_groups: []")
    .replace("rivals: [another]", "rivals: []")
)


def _library(folder: Path, text: str) -> Library:
    (folder / "one.md").write_text(text, "utf-8")
    return load_library([folder])


def _found(folder: Path, text: str, today: date) -> list[str]:
    return [f"{p.field}: {p.message}" for p in stale_incidents(_library(folder, text), today)]


def test_each_rule_says_why(tmp_path: Path) -> None:
    incident = _library(tmp_path, BASE).incidents["one"]
    read_on = max(s.read_on for s in incident.sources)
    assert not [line for line in _found(tmp_path, BASE, read_on) if "days" in line]
    later = date.fromordinal(read_on.toordinal() + 366)
    lines = _found(tmp_path, BASE, later)
    assert any(line.startswith(f"sources.{s.n}: read 366 days ago") for s in incident.sources for line in lines)
    seen = max([read_on, *(r.on for r in incident.reviews)])
    much_later = date.fromordinal(seen.toordinal() + 400)
    assert incident.cause_status == "suspected"
    assert any("nobody looked for 400 days" in line for line in _found(tmp_path, BASE, much_later))
    excerpts = BASE.replace("read: full", "read: excerpt")
    assert "sources: the fix is called confirmed and no source was read in full: read one" in _found(
        tmp_path, excerpts, read_on
    )


def test_a_fix_released_long_ago_is_named(tmp_path: Path) -> None:
    library = _library(tmp_path, BASE)
    old = library.incidents["one"]
    fact = old.versions[0].model_copy(update={"component": "vllm", "fixed_in": "0.4.0", "scheme": "pep440"})
    new = fact.model_copy(update={"fixed_in": "0.7.1"})
    both = {
        "one": old.model_copy(update={"versions": (fact,)}),
        "two": old.model_copy(update={"id": "two", "versions": (new,)}),
    }
    paths = {"one": Path("one.md"), "two": Path("two.md")}
    found = stale_incidents(Library(both, {}, paths, ""), old.sources[0].read_on)
    assert [str(p) for p in found if p.field == "versions.0"] == [
        "one.md: versions.0: fixed in vllm 0.4.0, the base knows 0.7.1: retire it, or say who still has it"
    ]


def test_additions_need_an_incident_and_name_what_is_wrong(tmp_path: Path) -> None:
    _library(tmp_path, BASE)
    folder = tmp_path / "additions"
    folder.mkdir()
    good = "- {n: 1, url: 'https://example.org/x', kind: thread, read: full, read_on: 2026-01-02, shows: {en: more}}\n"
    (folder / "nobody.yaml").write_text(good, "utf-8")
    (folder / "one.yaml").write_text(good.replace("kind: thread", "kind: rumour"), "utf-8")
    errors = scan([tmp_path])[1]
    assert [type(e) for e in errors] == [IncidentError, IncidentError]
    assert "nobody is not known" in str(errors[0])
    assert f"{folder / 'one.yaml'}:1: sources.0.kind: " in str(errors[1])
