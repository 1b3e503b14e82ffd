"""The page's pure parts: safe Markdown, curves, files, texts, export."""

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.settings import Settings
from app.web import texts
from app.web.conversation import shortened, shown
from app.web.markup import block, disarmed, inline, linked, literal
from app.web.panels import promise
from app.web.plots import anomaly, plot
from app.web.uploads import unpacked, uploaded
from app.web.visitors import language_of, owner_of
from kb.errors import InputError
from kb.evidence import Input
from kb.evidence.model import Evidence, MetricSeries, SignalSeen

COMMONMARK = MarkdownIt("commonmark", {"html": True})  # raw HTML on, as a careless renderer would have it


@given(st.text(alphabet=st.sampled_from("<>`~!*_[]()#$\\&\n img=x\"'ab"), max_size=60))
def test_text_of_any_shape_shows_letter_by_letter(text: str) -> None:
    html = COMMONMARK.render(literal(text))
    assert not re.search(r"<(?!/?(p|pre|code)\b)", html)


@pytest.mark.parametrize(
    "text",
    ["<img src=x onerror=1>", "a\n<script>b</script>", "[x](javascript:1)", "![x](https://a.org/a.png)", "`a` ``<b>``"],
)  # fmt: skip
def test_markdown_never_becomes_foreign_html(text: str) -> None:
    for html in (block(text), inline(text)):
        assert not re.search(r'<(img|script|b\b)|href="javascript', html)
    assert not re.search(r"<(img|script)", COMMONMARK.render(disarmed(text)))


def test_citations_become_links_but_not_in_code() -> None:
    assert linked("so [1, 2] `a[1]` [3]", {1: "/a", 2: "/b"}) == "so [\\[1\\]](/a) [\\[2\\]](/b) `a[1]` [3]"
    assert linked("```\nx[1]\n```\n[1]", {1: "/a"}) == "```\nx[1]\n```\n[\\[1\\]](/a)"


def test_the_answer_leaves_out_what_stands_beside_it() -> None:
    answer = (
        "**2 causes**\n\n1. **A** (60 %)\n\n   **Why**\n\n   - x\n   - y\n\n2. **B**\n\n"
        "**What would decide it**\n\n- c\n\n  how\n\n**Fix**: A\n\ndo\n\n**Sources**\n\n- [1] u"
    )
    assert shortened(answer) == "**2 causes**\n\n1. **A** (60 %)\n\n2. **B**\n\n**Fix**: A\n\ndo"


def test_a_long_paste_is_shown_short_and_without_secrets() -> None:
    text = "key sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD\n" + "\n".join(map(str, range(30)))
    said = shown(text, [Input("text", text), Input("a`b.log", "x")], "en")
    assert "sk-abc" not in said
    assert "… 17 more lines" in said
    assert said.endswith("📎 `ab.log`")


def evidence(loss: list[float | str], signal: SignalSeen | None = None) -> Evidence:
    series = MetricSeries(steps=tuple(10.0 * n for n in range(len(loss))), values=tuple(loss))
    return Evidence(metrics={"loss": series}, signals=(signal,) if signal else ())


def test_the_anomaly_is_marked_at_its_steps() -> None:
    seen = SignalSeen(name="loss-zero-onset", input="text", values=(2.2, 0.0, 0.0))
    marked = anomaly(evidence([2.4, 2.2, 0.0, 0.0], seen))
    assert marked is not None
    assert (marked.metric, marked.first, marked.last) == ("loss", 10.0, 30.0)
    picture = plot(evidence([2.4, 2.2, 0.0, 0.0], seen), "zh")
    assert "第 10 步" in picture
    assert 'class="cb-mark-line" x1="170.7"' in picture  # 54 + 350 * 10 / 30


def test_nan_breaks_the_curve_and_is_marked() -> None:
    picture = plot(evidence([1.0, "nan", 2.0, "inf"]), "en")
    assert picture.count('class="cb-bad"') == 2
    assert re.search(r'<path d="M54 \S+M\S+ \S+"/>', picture)
    assert plot(evidence([1.0]), "en") == ""


def test_gzip_is_read_within_bounds(tmp_path: Path) -> None:
    packed = tmp_path / "run.log.gz"
    packed.write_bytes(gzip.compress(b"loss nan\n" * 1000))
    assert uploaded([{"path": str(packed), "orig_name": "run.log.gz"}], "en") == [
        Input("run.log", b"loss nan\n" * 1000)
    ]
    with pytest.raises(InputError, match="unpacks to more"):
        unpacked(packed, "run.log.gz", "en", limit=100)
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(InputError, match="已损坏"):
        uploaded([str(packed)], "zh")


@pytest.mark.parametrize(
    ("content", "why"), [(b"\x89PNG\r\n", "Screenshots are not read"), (b"", "is empty")]
)  # fmt: skip
def test_files_that_cannot_be_read_are_refused_in_words(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "shot.png"
    file.write_bytes(content)
    with pytest.raises(InputError, match=why):
        uploaded([str(file)], "en")


def test_every_text_is_in_both_languages_with_the_same_fields() -> None:
    for key, text in texts.TEXTS.items():
        fields = [set(re.findall(r"{(\w+)}", text[lang])) for lang in ("en", "zh")]
        assert fields[0] == fields[1], key
        assert all(text.values()), key


def test_the_page_promises_only_what_holds(tmp_path: Path) -> None:
    here = Settings(data=tmp_path, llm="http://127.0.0.1:8000/v1", retention_days=0)
    assert promise(here, "en").endswith("stays on this machine, and is not written to disk.")
    there = Settings(data=tmp_path, llm="http://gpu.example.org:8000/v1", retention_days=30)
    assert "goes to the model at gpu.example.org and nowhere else, and is deleted 30 days" in promise(there, "en")


def test_visitors() -> None:
    assert language_of(None, None, "fr, zh-TW;q=0.5", "en") == "zh"
    assert language_of("zh", "en", "en", "en") == "zh"
    assert language_of(None, None, "fr;q=x", "zh") == "zh"
    assert owner_of(f"casebook_visitor={'a' * 43}", None) == f"web:{'a' * 43}"
    assert owner_of("casebook_visitor=guess", "s1") == "session:s1"
    assert owner_of(None, None) != owner_of(None, None)
