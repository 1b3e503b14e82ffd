"""The incident file: every key round-trips, every mistake names file, line and field."""

from pathlib import Path

import pytest

from kb.errors import IncidentError
from kb.library import BUILT_IN, load_library, scan
from kb.writeups import parse_group, parse_incident, write_group, write_incident

FULL = """---
id: every-key
title: {en: "A title: with a colon", zh: "标题"}
area: training
phases: [step, checkpoint]
loud: true
components: [deepspeed, transformers]
models: [qwen2.5-vl]
symptom_groups: [loss-zero]
signals: [loss-nan]
signatures:
  - {literal: "yes: 'quoted' # not a comment"}
  - {regex: 'code \\d+\\b'}
config:
  - {all: [{kind: deepspeed, key: communication_data_type, is: fp32}]}
  - {any: [{kind: env, key: A, in: ["1", 2, 0.5]}, {kind: env, key: B, absent: true}, {kind: env, key: C, above: 1e-5}]}
versions:
  - {component: deepspeed, scheme: pep440, affected: ">=0.12.4,<0.14", fixed_in: "0.14.0", source: 1}
cause_kind: config
cause_status: suspected
fix_status: confirmed
rivals: [another]
sources:
  - n: 1
    url: https://github.com/QwenLM/Qwen/issues/967
    kind: thread
    read: excerpt
    read_on: 2026-11-21
    shows: {en: "on and off", zh: "是"}
  - {n: 2, ref: "wiki/42", kind: internal, read: full, read_on: 2026-01-02, shows: {zh: "内部"}}
status: reviewed
reviews:
  - {on: 2026-11-21, by: writer, result: ok}
  - {on: 2026-11-22, by: second, result: changed, note: "no: was wrong"}
---
# en

## Symptom
A log:

```
# zh
## Fix
not headings, inside a fence
```

## Check
Look.

## Cause
Why [1].

## Fix
### A smaller heading
Do [1, 2].

# zh

## 现象
日志

## 检查
看

## 原因
因为 [1]

## 修复
改 [2]

## 预防
小心
"""
PATH = Path("every-key.md")


def test_every_key_round_trips() -> None:
    incident = parse_incident(FULL, PATH)
    again = parse_incident(write_incident(incident), PATH)
    assert again == incident
    assert incident.config[1].any[0].in_ == ("1", 2, 0.5)
    assert incident.config[1].any[2].above == pytest.approx(1e-5)
    assert incident.signatures[0].literal == "yes: 'quoted' # not a comment"
    assert str(incident.reviews[0].on) == "2026-11-21"
    assert "not headings, inside a fence" in incident.text["en"].symptom
    assert incident.text["en"].prevention == ""


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "says"),
    [
        ("loud: true", "loud: true\nmood: good", 7, "mood", "Extra inputs"),
        ("area: training", "area: kitchen", 4, "area", "'training'"),
        ("loud: true", "loud: true\nloud: false", 7, "loud", "twice"),
        ("fixed_in: \"0.14.0\"", "fixed_in: 0.14", 18, "versions.0.fixed_in", "quotes"),
        ("id: every-key", "id: other", 2, "id", "file's name"),
        ("kind: thread", "kind: rumour", 26, "sources.0.kind", "'thread'"),
        ("{literal: \"yes: 'quoted' # not a comment\"}", "{literal: a, regex: b}", 12, "signatures.0", "exactly one"),
        ("title: {en", "title: *a {en", 3, "yaml", ""),
        ("## Check\nLook.", "## Look\nLook.", 47, "en", "sections are"),
        ("## Check\nLook.", "", 36, "en.check", "missing"),
        ("# zh\n\n## 现象", "# fr\n\n## 现象", 57, "body", "languages"),
        ("---\nid", "id", 1, "front matter", "must start"),
    ],
)  # fmt: skip
def test_mistakes_name_line_and_field(old: str, new: str, line: int, field: str, says: str) -> None:
    assert old in FULL
    with pytest.raises(IncidentError) as caught:
        parse_incident(FULL.replace(old, new, 1), PATH)
    assert (caught.value.field, caught.value.line) == (field, line)
    assert says in caught.value.message
    assert str(caught.value).startswith(f"every-key.md:{line}: {field}: ")


def test_yaml_bomb_and_deep_nesting_are_refused() -> None:
    bomb = FULL.replace("models: [qwen2.5-vl]", "models: &a [qwen]\nrivals: *a")
    with pytest.raises(IncidentError, match="alias"):
        parse_incident(bomb, PATH)
    deep = FULL.replace("models: [qwen2.5-vl]", "models: " + "[" * 100 + "]" * 100)
    with pytest.raises(IncidentError, match="nested deeper"):
        parse_incident(deep, PATH)


GROUP = """id: loss-zero
title: {en: "Loss prints 0", zh: "loss 为 0"}
checks:
  - id: reward-std
    ask: {en: "Is it 0?", zh: "是 0 吗?"}
    how: {en: "Read it.", zh: "看日志。"}
    cost: 1
    reads: {metric: reward_std, is: 0}
    yes: [a]
    no: [b, c]
    source: https://example.org/1
"""


def test_group_round_trips_and_yes_no_are_no_booleans() -> None:
    group = parse_group(GROUP, "loss-zero.yaml")
    assert group.checks[0].yes == ("a",)
    assert group.checks[0].no == ("b", "c")
    assert parse_group(write_group(group), "loss-zero.yaml") == group
    with pytest.raises(IncidentError, match=r"loss-zero\.yaml:8: checks\.0\.reads"):
        parse_group(GROUP.replace("{metric: reward_std, is: 0}", "{signal: loss-nan, is: 0}"), "loss-zero.yaml")


def test_a_duplicate_id_names_both_files(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "every-key.md").write_text(FULL, encoding="utf-8")
    with pytest.raises(IncidentError, match=r"one/every-key\.md") as caught:
        load_library([tmp_path])
    assert "two/every-key.md" in str(caught.value)


def test_one_language_is_enough_in_a_private_folder(tmp_path: Path) -> None:
    english = FULL.partition("# zh\n\n## 现象")[0]
    (tmp_path / "every-key.md").write_text(english, encoding="utf-8")
    incident = load_library([tmp_path]).incidents["every-key"]
    assert list(incident.text) == ["en"]
    assert incident.sections("zh").cause == "Why [1]."
    assert incident.title.get("zh") == "标题"


def test_a_file_that_is_no_text_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00binary")
    _, errors = scan([tmp_path])
    assert len(errors) == 1
    assert "UTF-8" in str(errors[0])


def test_the_built_in_base_round_trips() -> None:
    library = load_library([BUILT_IN])
    assert library.incidents
    for incident in library.incidents.values():
        assert parse_incident(write_incident(incident), f"{incident.id}.md") == incident
    for group in library.groups.values():
        assert parse_group(write_group(group), f"{group.id}.yaml") == group
