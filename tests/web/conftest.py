"""A served page in a thread, and a real headless Chromium. Skipped where Chromium is missing, never in CI."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from app.api import create_app
from app.casebook import Casebook
from app.settings import Settings
from app.web import mount

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = "needs chromium (Debian: apt-get install chromium fonts-noto-cjk)"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": {"width": 1366, "height": 900}, "phone": {"width": 390, "height": 844}}
LOCALES = {"en": "en-US", "zh": "zh-CN"}
Open = Callable[..., Page]
Serve = Callable[[Casebook, Path], AbstractContextManager[str]]


@contextmanager
def serving(casebook: Casebook, data: Path) -> Iterator[str]:
    """The page of a casebook on a free port of this machine; its address without the slash."""
    settings = Settings(data=data, rate="2000/minute")
    app = mount(create_app(casebook, settings), casebook, settings)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server ended while starting"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def serve_page() -> Serve:
    """A context manager: the address of the page over a casebook of one's own."""
    return serving


@pytest.fixture(scope="session")
def site(casebook: Casebook, data_folder: Path) -> Iterator[str]:
    """The address of the page over the built-in base, no model."""
    with serving(casebook, data_folder) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    if CHROMIUM is None and os.environ.get("CI"):
        pytest.fail(NEEDS_CHROMIUM)
    if CHROMIUM is None:
        pytest.skip(NEEDS_CHROMIUM)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Open]:
    """visit(path, lang, size) opens the page as a new visitor. Afterwards: nothing from outside, no error."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(path: str = "/", lang: str = "en", size: str = "desktop", address: str = site) -> Page:
        context = browser.new_context(viewport=SIZES[size], locale=LOCALES[lang])
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
