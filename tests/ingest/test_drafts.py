"""Saved pages → drafts: no navigation, sections recognised, open fields listed, bends flagged, nothing doubled."""

from pathlib import Path

import pytest

from ingest.drafts import draft_files, draft_page
from ingest.pages import heading_name, read_page
from kb import yamlio
from kb.errors import InputError

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


def test_a_page_is_cut_into_sections_with_their_lines() -> None:
    page = read_page(PAGE.encode(), "page.txt")
    assert (page.title, page.author, page.date) == ("某项目微调时梯度消失问题分析", "某人", "2025-01-02")
    assert [s.name for s in page.sections] == ["", "symptom", "cause", "fix", "prevention"]
    for section in page.sections:
        lines = PAGE.split("\n")[section.span.first - 1 : section.span.last]
        assert "\n".join(lines) == section.text
    assert "热门" not in "".join(s.text for s in page.sections)


def test_the_draft_lists_what_is_open_and_flags_the_bend(tmp_path: Path) -> None:
    page = read_page(PAGE.encode(), "page.txt")
    draft = draft_page(page)
    assert draft is not None
    assert draft.texts["fix"] == "改正字段映射。"
    assert {"text.check", "text.en", "versions", "fix_status", "sources: the original thread"} <= set(draft.open_fields)
    assert any("vanishing gradient" in note for note in draft.notes)
    assert any("second-hand" in note for note in draft.notes)


def test_the_same_article_under_another_date_is_one_draft(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(PAGE, "utf-8")
    (tmp_path / "b.txt").write_text(PAGE.replace("2025-01-02", "2026-05-06"), "utf-8")
    drafts = list(draft_files([tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "drafts"))
    assert len(drafts) == 1
    assert len(list((tmp_path / "drafts").glob("*.md"))) == 1
    again = list(draft_files([tmp_path / "a.txt"], tmp_path / "drafts"))
    assert again[0][0] == drafts[0][0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no article"),
        (b"\x00\x01binary", "binary"),
        (b"\xff\xfe\xfa not utf-8", "UTF-8"),
        ("如何安装\n第一步\n运行 pip install\n".encode(), "no incident"),
        (b"x" * 6_000_000, "bytes"),
    ],
)
def test_bad_pages_are_one_clear_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "page.txt").write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        list(draft_files([tmp_path / "page.txt"], tmp_path / "drafts"))
    assert "page.txt" in str(caught.value)
    assert not (tmp_path / "drafts").exists()


@pytest.mark.parametrize(
    ("line", "name"),
    [("问题现象", "symptom"), ("## Root cause:", "cause"), ("解决方案\uff1a", "fix"), ("loss 为 0", None), ("", None)],
)
def test_headings(line: str, name: str | None) -> None:
    assert heading_name(line) == name


@pytest.mark.skipif(not SHARED.exists(), reason="the two starting pages lie beside the checkout only where it is made")
def test_the_two_starting_pages(tmp_path: Path) -> None:
    made = dict(draft_files(sorted(SHARED.glob("*.txt")), tmp_path))
    assert len(made) == 2
    texts = {path.name: path.read_text("utf-8") for path in made}
    opens = {path.name: yamlio.load(path.with_suffix(".open.yaml").read_text("utf-8"))[0] for path in made}
    for name, text in texts.items():
        assert not any(word in text for word in NAVIGATION), name
        assert "sources: the original thread" in opens[name]["open"]
    axolotl = next(name for name in texts if name.startswith("axolotl"))
    qwen = next(name for name in texts if name.startswith("qwen"))
    for fact in ("communication_data_type", "4.36.2", "1.8B", "数千量级"):
        assert fact in texts[qwen]
    for fact in ("字段映射", "0.0", "学习率按预期逐步上升"):
        assert fact in texts[axolotl]
    assert any("vanishing gradient" in note for note in opens[axolotl]["notes"])
    assert not any("vanishing gradient" in note for note in opens[qwen]["notes"])
