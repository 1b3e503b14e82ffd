"""axe-core over our own parts, in both themes; Gradio's own parts are theirs."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

Open = Callable[..., Page]
SERIOUS = {"serious", "critical"}
LOG = (
    "transformers 4.44.0\n{'loss': 2.3, 'grad_norm': 3.1, 'learning_rate': 1e-05}\n"
    "{'loss': 2.2, 'grad_norm': 5230.7, 'learning_rate': 1e-05}\n"
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-05}\n"
)


def problems(page: Page, *inside: str) -> list[str]:
    context = {"include": [[part] for part in inside]} if inside else None
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0]['failureSummary'][:300]}"
        for v in found
        if v["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chat_page_has_no_serious_problem(visit: Open, theme: str) -> None:
    page = visit(f"/en/?__theme={theme}")
    page.locator("#cb-box textarea").wait_for()
    if theme == "light":
        assert problems(page, "#cb-header", "#cb-follow", "#cb-panel") == []
    page.locator("#cb-box textarea").fill(LOG)
    page.locator("#cb-box textarea").press("Enter")
    expect(page.locator("#cb-follow .cb-feedback")).to_be_visible(timeout=15_000)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert problems(page, "#cb-follow", "#cb-panel") == []
    page.locator("#cb-panel a.cb-open").first.click()
    expect(page.locator("#cb-reader h1")).to_be_visible()
    assert problems(page, "#cb-reader") == []


@pytest.mark.parametrize(
    "path",
    ["/incidents?q=loss", "/incidents/axolotl-loss-zero-field-mapping", "/groups/device-side-assert", "/cases/x",
     "/review"],
)  # fmt: skip
def test_the_browser_has_no_serious_problem(visit: Open, path: str) -> None:
    page = visit(path, "zh", "phone")
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize(
    ("lang", "named", "title"), [("en", "Review", "Drafts to review"), ("zh", "审阅", "待审阅的草稿")]
)
def test_the_header_leads_to_the_review(visit: Open, lang: str, named: str, title: str, size: str) -> None:
    page = visit(f"/{lang}/", lang, size)
    link = page.locator(".cb-header nav a[href='/review']")
    expect(link).to_have_text(named)
    expect(link).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    link.click()
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator(".cb-header nav a[aria-current]")).to_have_text(named)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
