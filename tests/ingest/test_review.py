"""Review: nothing unfinished is accepted, what is accepted passes the linter, and a killed review loses nothing."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.case_pages import case_page
from app.reviewing import plain
from evals import ingest_threads
from evals.ingest_eval import stories
from ingest.draft_files import known_digests, load_draft, write_draft
from ingest.drafts import draft
from ingest.duplicates import Account, account_of, confirmed_in, decide, probability, relate, shared
from ingest.reading import read_source
from ingest.review import Desk
from ingest.types import Draft
from kb.check import check_library
from kb.errors import InputError
from kb.library import BUILT_IN, Library, load_library, scan
from kb.types import Incident

TODAY = ("area: training", "phases:\n  - step", "cause_kind: config")


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    folder = tmp_path / "drafts"
    for number in (0, 1):
        told = dict(stories()["incidents"][number])
        made, _ = ingest_threads.made("gh text", told, Random(number))  # type: ignore[arg-type]
        one = draft(read_source(made.raw, made.name)[0])
        assert isinstance(one, Draft)
        write_draft(one, folder)
    return folder


@pytest.fixture
def library(few_incidents: Path) -> Library:
    return load_library([few_incidents])


def desk_of(drafts: Path, tmp_path: Path, library: Library) -> Desk:
    return Desk(drafts, tmp_path / "mine", library.incidents, library.groups, reviewer="ann")


def completed(text: str, check: str = "Look at the log.") -> str:
    """What a curator fills in."""
    for old, new in zip(("area: '?'", "phases:\n  - '?'", "cause_kind: '?'"), TODAY, strict=True):
        assert old in text
        text = text.replace(old, new)
    text = text.replace("## Check\n", f"## Check\n{check}\n")
    return text.replace("components:\n  - '?'", "components:\n  - torch").replace("loud: '?'", "loud: true")


def test_open_fields_are_named_and_refused_then_accepted_as_a_clean_file(
    drafts: Path, tmp_path: Path, library: Library
) -> None:
    desk = desk_of(drafts, tmp_path, library)
    id = desk.waiting()[0]
    before = desk.item(id)
    assert desk.findings(id, before.text)[0].startswith("line 5: area: ")
    with pytest.raises(InputError, match="not accepted: line 5: area: "):
        desk.accept(id, before.text)
    assert not (tmp_path / "mine").exists()
    desk.save(id, completed(before.text).replace("\n", "\r\n"))  # as a browser's form sends it
    again = desk_of(drafts, tmp_path, library)  # another day
    text = again.item(id).text
    assert "area: training" in text and "\r" not in text
    assert again.findings(id, text) == []
    path = again.accept(id, text)
    library_of_mine, errors = scan([tmp_path / "mine"])
    assert errors == [] and check_library(library_of_mine) == []
    incident = library_of_mine.incidents[path.stem]
    assert (incident.status, [r.by for r in incident.reviews]) == ("reviewed", ["ann"])
    assert id not in again.waiting() and len(again.waiting()) == 1
    digests = {load_draft(p).origin.digest[:10] for p in drafts.glob("*.md")}
    assert known_digests(drafts) == digests | {before.draft.origin.digest[:10]}


def test_an_id_that_is_taken_an_unknown_name_and_a_dead_citation_are_findings(
    drafts: Path, tmp_path: Path, library: Library
) -> None:
    desk = desk_of(drafts, tmp_path, library)
    id = desk.waiting()[0]
    text = completed(desk.item(id).text, "Look at the log [7].")
    assert any("cites [7], which is no source" in line for line in desk.findings(id, text))
    assert desk.findings(id, text.replace(f"id: {id}", "id: grpo-zero-advantage")) == [
        "id: grpo-zero-advantage is already in the base; give it another id, or merge"
    ]
    assert any("torhc is not known" in line for line in desk.findings(id, text.replace("- torch", "- torhc")))


def test_merging_adds_the_source_once_and_leaves_installed_files_alone(
    drafts: Path, tmp_path: Path, library: Library, few_incidents: Path
) -> None:
    installed = (few_incidents / "grpo-zero-advantage.md").read_bytes()
    desk = desk_of(drafts, tmp_path, library)
    first, second = desk.waiting()
    path = desk.merge(first, "grpo-zero-advantage")
    assert path == tmp_path / "mine" / "additions" / "grpo-zero-advantage.yaml"
    assert (few_incidents / "grpo-zero-advantage.md").read_bytes() == installed
    merged = load_library([few_incidents, tmp_path / "mine"])
    before, after = library.incidents["grpo-zero-advantage"], merged.incidents["grpo-zero-advantage"]
    assert len(after.sources) == len(before.sources) + 1
    last = after.sources[-1]
    assert f"Also reported in [{last.n}]." in after.text["en"].symptom and f"[{last.n}]" in after.text["zh"].symptom
    assert [p for p in check_library(merged) if p.field.startswith("sources") or "cited" in p.message] == []
    own = Desk(drafts, few_incidents, library.incidents, library.groups)
    assert own.merge(second, "grpo-loss-zero-expected") == few_incidents / "grpo-loss-zero-expected.md"
    extended = load_library([few_incidents]).incidents["grpo-loss-zero-expected"]
    assert len(extended.sources) == len(library.incidents["grpo-loss-zero-expected"].sources) + 1
    assert own.waiting() == []


def test_drafts_of_one_source_know_of_each_other(drafts: Path, tmp_path: Path, library: Library) -> None:
    desk = desk_of(drafts, tmp_path, library)
    first, second = (desk.item(id).draft for id in desk.waiting())
    assert shared(first, [first, second]) == {}
    moved = replace(second, origin=replace(second.origin, url="https://github.com/a/b/issues/1"))
    retold = replace(first, origin=replace(first.origin, url=None, thread="https://GitHub.com/a/b/issues/1#c2"))
    assert shared(retold, [moved]) == {second.id: "the same source"}
    if errors := first.facts.get("signatures"):
        alike = replace(moved, facts={**moved.facts, "signatures": errors})
        assert shared(first, [alike]) == {second.id: f"the same error: {errors[0].value}"}


def test_killed_between_writing_and_putting_away_the_draft_is_accepted_again(
    drafts: Path, tmp_path: Path, library: Library
) -> None:
    desk = desk_of(drafts, tmp_path, library)
    id = desk.waiting()[0]
    text = completed(desk.item(id).text)
    kept = {name: (drafts / name).read_bytes() for name in (f"{id}.md", f"{id}.draft.yaml")}
    first = desk.accept(id, text)
    for name, content in kept.items():
        (drafts / name).write_bytes(content)
    assert desk_of(drafts, tmp_path, load_library([tmp_path / "mine"])).accept(id, text) == first
    assert len(list((tmp_path / "mine").iterdir())) == 1
    other = desk.waiting()[0]
    taken = completed(desk.item(other).text).replace(f"id: {other}", f"id: {first.stem}")
    assert desk.findings(other, taken)[0].startswith(f"id: {first.stem} is already in the base")


@pytest.mark.parametrize("id", ["../../etc/passwd", "", "none", "a/b", "x" * 5000])
def test_ids_that_do_not_wait_are_refused(drafts: Path, tmp_path: Path, library: Library, id: str) -> None:
    desk = desk_of(drafts, tmp_path, library)
    for attempt in (desk.item, desk.reject, lambda i: desk.save(i, "x"), lambda i: desk.merge(i, "y")):
        with pytest.raises(InputError, match="no such draft waits"):
            attempt(id)


def test_installed_files_and_the_writers_name_are_refused(drafts: Path, library: Library, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="installed package"):
        Desk(drafts, BUILT_IN / "training", library.incidents, library.groups)
    with pytest.raises(InputError, match="writer"):
        Desk(drafts, tmp_path, library.incidents, library.groups, reviewer="writer")


def test_a_shared_source_is_the_same_whatever_the_words_say(library: Library) -> None:
    incident: Incident = library.incidents["grpo-zero-advantage"]
    url = next(s.url for s in incident.sources if s.url)
    account = Account("anything", "", (), urls=frozenset({url.lower()}))
    relation = relate(account, None, library.incidents)  # type: ignore[arg-type]
    assert (relation.verdict, relation.incident, relation.same) == ("same", "grpo-zero-advantage", 1.0)


def test_decisions_follow_the_weights_and_limits(library: Library) -> None:
    fitted = {
        "same": {"bias": -2.0, "signature": 4.0}, "related": {"bias": -2.0, "dense": 4.0},
        "limits": {"same": 0.8, "related": 0.7, "not_same": 0.2},
    }  # fmt: skip
    assert probability({"signature": 1.0}, fitted["same"]) == pytest.approx(0.8808, abs=1e-4)  # 1 / (1 + e^-2)
    a, b = "grpo-zero-advantage", "grpo-loss-zero-expected"
    rows = {a: {"signature": 1.0}, b: {"signature": 0.0}}
    assert decide(rows, library.incidents, fitted).verdict == "same"
    assert decide({b: {"dense": 0.9}}, library.incidents, fitted).verdict == "rival"  # 1 / (1 + e^-1.6) = 0.83
    assert decide({b: {}}, library.incidents, fitted).verdict == "new"  # 1 / (1 + e^2) = 0.12
    assert decide({b: {"signature": 0.5}}, library.incidents, fitted).verdict == "unsure"  # 1 / (1 + e^0) = 0.5
    assert decide({}, library.incidents, fitted).verdict == "new"


def test_a_terminal_is_not_steered_by_a_source() -> None:
    assert plain("a\x1b[2Jb\tc\nd\x07\u202e") == "a[2Jb\tc\nd"
    assert confirmed_in("x\nCasebook incident whose fix helped: one\n") == "one"
    assert callable(case_page) and callable(account_of)
