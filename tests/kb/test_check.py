"""The linter of the casebook: each rule finds its own mistake, and the built-in base has none."""

from pathlib import Path

import pytest
from test_writeups import FULL

from kb.check import check_library, separates
from kb.library import BUILT_IN, scan
from kb.types import GroupCheck, Text

CLEAN = (
    FULL.replace("id: every-key", "id: one")
    .replace("symptom_groups: [loss-zero]", "symptom_groups: []")
    .replace("rivals: [another]", "rivals: []")
    .replace("Do [1, 2].", "Do [1] and `x[7]`, [2] too.")
)
GROUP = """id: {id}
title: {{en: "T", zh: "题"}}
checks:
  - {{id: c, ask: {{en: "?"}}, how: {{en: "."}}, cost: 1, yes: [{yes}], no: [{no}], source: s}}
"""


def _findings(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(path.name.replace("_md", ".md").replace("_yaml", ".yaml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    library, errors = scan([folder])
    assert not errors
    return [f"{p.field}: {p.message}" for p in check_library(library)]


def test_a_clean_incident_has_no_finding(tmp_path: Path) -> None:
    assert _findings(tmp_path, one_md=CLEAN) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("components: [deepspeed", "components: [deepsped", "components: deepsped is not known"),
        ("signals: [loss-nan]", "signals: [loss-man]", "signals: loss-man is not known"),
        ('"A title: with a colon"', "'\"A title\"'", "title.en: stands in quotes twice"),
        ("symptom_groups: []", "symptom_groups: [nowhere]", "symptom_groups: nowhere is not known"),
        ("rivals: []", "rivals: [one]", "rivals: names itself"),
        ("Why [1].", "Why [1, 9].", "en.cause: cites [9], which is no source"),
        ("改 [2]", "改 [1]", "zh: source [2] is not cited"),
        ("regex: 'code \\d+\\b'", "regex: 'x*'", "signatures.1: matches the empty string"),
        ("literal: \"yes: 'quoted' # not a comment\"", "literal: OOM", "signatures.0: shorter than"),
        ('affected: ">=0.12.4,<0.14"', 'affected: "0.12 to 0.14"', "versions.0.affected: "),
        (", by: second", ", by: writer", "reviews: reviewed needs"),
        ("read: excerpt", "read: listed", "fix_status: confirmed needs"),
    ],
)
def test_each_mistake_is_found(tmp_path: Path, old: str, new: str, finding: str) -> None:
    assert old in CLEAN
    text = CLEAN.replace(old, new)
    if finding.startswith("fix_status"):
        text = text.replace(
            'ref: "wiki/42", kind: internal, read: full', 'url: "https://e.org", kind: rewrite, read: full'
        )
    found = _findings(tmp_path, one_md=text)
    assert any(line.startswith(finding) for line in found), found


def test_a_group_needs_three_members_all_named_and_separated(tmp_path: Path) -> None:
    members = {
        f"{name}_md": CLEAN.replace("id: one", f"id: {name}").replace("symptom_groups: []", "symptom_groups: [g]")
        for name in ("a", "b", "c")
    }
    group = GROUP.format(id="g", yes="a, b", no="c, stranger")
    found = _findings(tmp_path, groups__g_yaml=group, **members)
    assert "checks: nothing separates a from b" in found
    assert "checks.c.no: stranger is not a member of the group" in found
    assert not any("separates a from c" in line for line in found)
    assert any(
        "in neither yes nor no" in line
        for line in _findings(tmp_path, groups__g_yaml=GROUP.format(id="g", yes="a", no="c"))
    )


def test_separates_asks_for_opposite_sides() -> None:
    def check(yes: tuple[str, ...], no: tuple[str, ...]) -> GroupCheck:
        return GroupCheck(id="c", ask=Text(en="?"), how=Text(en="."), cost=1, yes=yes, no=no, source="s")

    assert separates(check(("a",), ("b",)), "a", "b")
    assert separates(check(("b",), ("a",)), "a", "b")
    assert not separates(check(("a", "b"), ("b",)), "a", "b")
    assert not separates(check(("a",), ()), "a", "b")


def test_a_paragraph_in_two_incidents_and_a_signature_in_four_are_found(tmp_path: Path) -> None:
    long = "The same long paragraph stands word for word in every one of these four incident files, which is no good."
    members = {f"{n}_md": CLEAN.replace("id: one", f"id: {n}").replace("Look.", long) for n in ("a", "b", "c", "d")}
    found = _findings(tmp_path, **members)
    assert sum("has a paragraph of a" in line for line in found) == 3
    assert sum("is a signature of 4 incidents" in line for line in found) == 2


def test_a_question_that_is_long_in_the_wrong_language_or_of_another_incident_is_found(tmp_path: Path) -> None:
    asked = 'asked: {en: ["Why is it 0?", "为什么一直是零啊", "' + "w " * 300 + '"], zh: ["怎么变 0 了"]}\nsignals: '
    members = {f"{n}_md": CLEAN.replace("id: one", f"id: {n}").replace("signals: ", asked) for n in ("a", "b")}
    found = _findings(tmp_path, **members)
    assert sum("asked.en.1: has Chinese text" in line for line in found) == 2
    assert sum("asked.en.2: longer than 400 characters" in line for line in found) == 2
    assert sum("asked: 'Why is it 0?' is asked of a, too" in line for line in found) == 1


def test_the_built_in_base_needs_both_languages_and_has_no_finding() -> None:
    library, errors = scan([BUILT_IN])
    assert [str(e) for e in errors] + [str(p) for p in check_library(library)] == []


def test_a_pattern_that_re2_refuses_names_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "one.md"
    path.write_text(CLEAN.replace("regex: 'code \\d+\\b'", "regex: '(?=x)y'"), "utf-8")
    library, errors = scan([tmp_path])
    assert not library.incidents
    line = 1 + CLEAN[: CLEAN.index("regex: ")].count("\n")
    assert str(errors[0]) == f"{path}:{line}: signatures.1.regex: '(?=x)y' is not RE2: invalid perl operator: (?="
