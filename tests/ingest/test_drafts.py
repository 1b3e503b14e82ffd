"""Saved pages → drafts: no navigation, sections recognised, open fields listed, bends flagged, nothing doubled."""

from pathlib import Path

import pytest

from ingest.draft_files import load_draft
from ingest.drafts import draft
from ingest.headings import heading_name
from ingest.reading import read_source
from ingest.run import Outcome, files_of, ingest
from ingest.types import Draft, Page

SHARED = Path(__file__).parents[3] / "shared" / "pages"
NAVIGATION = ("登录后查看全文", "热门项目推荐", "项目优选", "OpenHarmony", "HunyuanImage", "收起", "Dockerfile")

PAGE = """某项目微调时梯度消失问题分析
2025-01-02 03:04:05作者:某人
开头一段。
问题现象
训练 loss 恒为 0.0,grad_norm 也是 0.0,学习率在上升。
问题根源分析
字段没有对上。
解决方案
改正字段映射。
经验总结
先看一个 batch。
登录后查看全文
热门项目推荐
别的东西
"""


def page(text: str, name: str = "page.txt") -> Page:
    [item] = read_source(text.encode(), name)
    assert isinstance(item, Page)
    return item


def ingested(folder: Path, into: Path) -> list[Outcome]:
    return list(ingest(files_of([folder]), into, workers=1))


def test_a_page_is_cut_into_sections_with_their_place() -> None:
    read = page(PAGE)
    assert (read.title, read.author, read.date) == ("某项目微调时梯度消失问题分析", "某人", "2025-01-02")
    assert [s.name for s in read.sections] == ["", "symptom", "cause", "fix", "prevention"]
    assert all(PAGE[s.start : s.end] == s.text for s in read.sections)
    assert "热门" not in read.article


def test_the_draft_lists_what_is_open_and_flags_the_bend() -> None:
    made = draft(page(PAGE))
    assert isinstance(made, Draft)
    assert made.value("fix") == "改正字段映射。"
    assert {"text.check", "text.en", "versions", "fix_status", "sources: the original thread"} <= set(made.open)
    assert any("vanishing gradient" in note for note in made.notes)
    assert any("second-hand" in note for note in made.notes)


def test_the_same_article_under_another_date_is_one_draft(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.txt").write_text(PAGE, "utf-8")
    (pages / "b.txt").write_text(PAGE.replace("2025-01-02", "2026-05-06"), "utf-8")
    first, second = ingested(pages, tmp_path / "drafts")
    assert [d.new for o in (first, second) for d in o.drafts] == [True, False]
    assert len(list((tmp_path / "drafts").glob("*.md"))) == 1
    assert not any(d.new for o in ingested(pages, tmp_path / "drafts") for d in o.drafts)


def test_a_draft_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(PAGE, "utf-8")
    [outcome] = ingested(tmp_path, tmp_path / "drafts")
    read = load_draft(outcome.drafts[0].path)
    made = draft(page(PAGE, read.origin.name))
    assert read == made


BAD = {
    "empty": (b"", "empty"),
    "bytes": (b"\x00\x01binary\x02\xff\xfe\x80\x81" * 9, "binary"),
    "long": (b"x" * 6_000_000, "bytes"),
    "broken": (b'{"a": [1, 2', "broken JSON"),
    "other": (b'{"a": 1}', "no thread"),
    "nested": (b"[" * 100_000, "nested"),
    "cut": (b"%PDF-1.7 but nothing more", "PDF"),
    "bare": (b"<html><body></body></html>", "no article"),
    "deep": (b"<html><body>" + b"<div>" * 5000 + b"x" + b"</div>" * 5000, "nested"),
}


def test_bad_sources_are_one_clear_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name, (content, _) in BAD.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "rest.txt").write_text(PAGE, "utf-8")
    outcomes = {Path(o.source).name: o for o in ingested(tmp_path, tmp_path / "drafts")}
    assert len(outcomes["rest.txt"].drafts) == 1
    for name, (_, says) in BAD.items():
        error = outcomes[name].error
        assert error is not None and says in error and name in error and "\n" not in error, (name, error)


def test_a_page_without_an_incident_says_why(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("如何安装\n第一步\n运行 pip install\n", "utf-8")
    [outcome] = ingested(tmp_path, tmp_path / "drafts")
    assert not outcome.drafts and outcome.error is None and len(outcome.none) == 1


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("问题现象", "symptom"), ("## Root cause:", "cause"), ("解决方案：", "fix"), ("loss 为 0", None), ("", None),
        ("一、问题描述", "symptom"), ("2.1 原因分析", "cause"), ("How I fixed it", "fix"),
        ("Lessons learned", "prevention"),
        ("### ✅ Solution", "fix"), ("排查过程", "tried"), ("Steps to reproduce", "setting"), ("参考资料", "aside"),
    ],
)  # fmt: skip
def test_headings(line: str, name: str | None) -> None:
    assert heading_name(line) == name


@pytest.mark.skipif(not SHARED.exists(), reason="the two starting pages lie beside the checkout only where it is made")
def test_the_two_starting_pages(tmp_path: Path) -> None:
    outcomes = ingested(SHARED, tmp_path)
    made = {d.path.name: load_draft(d.path) for o in outcomes for d in o.drafts}
    assert len(made) == 2
    for name, read in made.items():
        text = (tmp_path / name).read_text("utf-8")
        assert not any(word in text for word in NAVIGATION), name
        assert "sources: the original thread" in read.open
        assert read.cause_status == "suspected" and read.fix_status != "confirmed"
    axolotl = next(name for name in made if name.startswith("axolotl"))
    qwen = next(name for name in made if name.startswith("qwen"))
    for fact in ("communication_data_type", "4.36.2", "1.8B", "数千量级", "前10个step"):
        assert fact in (tmp_path / qwen).read_text("utf-8")
    for fact in ("字段映射", "0.0", "学习率按预期逐步上升", "消息字段映射关系未正确建立"):
        assert fact in (tmp_path / axolotl).read_text("utf-8")
    assert any("vanishing gradient" in note for note in made[axolotl].notes)
    assert not any("vanishing gradient" in note for note in made[qwen].notes)
