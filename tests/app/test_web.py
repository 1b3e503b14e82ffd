"""The chat page in a real browser: a paste in, a cited answer out, in both languages; nothing fetched from outside."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.casebook import Casebook

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = "needs chromium (Debian: apt-get install chromium fonts-noto-cjk)"
QUESTION = {
    "en": "GRPO run, why is it so?\n"
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-06, 'reward': 0.0, 'reward_std': 0.0}\n"
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 2e-06, 'reward': 0.0, 'reward_std': 0.0}",
    "zh": "GRPO 训练为什么会这样?\n"
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-06, 'reward': 0.0, 'reward_std': 0.0}\n"
    "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 2e-06, 'reward': 0.0, 'reward_std': 0.0}",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; skipped where there is none, never in CI."""
    if CHROMIUM is None and os.environ.get("CI"):
        pytest.fail(NEEDS_CHROMIUM)
    if CHROMIUM is None:
        pytest.skip(NEEDS_CHROMIUM)
    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=["en", "zh"])
def server(request: pytest.FixtureRequest, casebook: Casebook, data_folder: Path) -> Iterator[tuple[str, str]]:
    """`casebook web` on a free port; the language and the URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "CASEBOOK_DATA": str(data_folder),
        "CASEBOOK_LANGUAGE": request.param,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.main", "web", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait(url, process)
        yield request.param, url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[str], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.3)
    raise AssertionError(f"{url} did not answer in {seconds} s")


def _ask(page: Page, text: str) -> None:
    box = page.get_by_role("textbox").first
    box.fill(text)
    box.press("Enter")


def test_a_paste_gets_a_cited_answer_and_a_yes_refines_it(
    browser: Browser, server: tuple[str, str], tmp_path: Path
) -> None:
    lang, url = server
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    outside: list[str] = []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith((url, "data:", "blob:")) else None)
    page.goto(url)
    _ask(page, QUESTION[lang])
    answer = page.locator('[data-testid="bot"]').last
    expect(answer).to_contain_text("github.com/modelscope/ms-swift/issues/4547", timeout=30_000)
    expect(answer).to_contain_text("修复" if lang == "zh" else "Fix")
    link = answer.get_by_role("link").first
    expect(link).to_be_visible()
    page.screenshot(path=str(tmp_path / f"{lang}.png"))
    assert (tmp_path / f"{lang}.png").stat().st_size > 10_000
    assert outside == []
    page.close()


def test_user_text_is_never_html(browser: Browser, server: tuple[str, str]) -> None:
    _, url = server
    page = browser.new_page()
    page.goto(url)
    hostile = (
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> RuntimeError: <b>x</b>"
    )
    _ask(page, hostile)
    expect(page.locator('[data-testid="bot"]').last).to_be_visible(timeout=30_000)
    page.wait_for_timeout(500)
    assert page.title() != "owned"
    page.close()


def test_a_bound_port_is_one_clear_line(casebook: Casebook, data_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "CASEBOOK_DATA": str(data_folder), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "app.main", "web", "--port", str(port)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert result.returncode == 3
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
