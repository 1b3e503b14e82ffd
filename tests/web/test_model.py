"""The page with a served model: an answer stopped half-way, and a server that goes away and comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.casebook import Casebook
from app.settings import Settings
from evals.servers import CHUNK, Exchange, Kind, ScriptedServer, stream

Open = Callable[..., Page]
Serve = Callable[[Casebook, Path], AbstractContextManager[str]]
PATIENT = 15_000
LOG = (
    "why is it so?\n[axolotl.train]\n" + 3 * "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}\n"
)
AWAY, SLOW = threading.Event(), threading.Event()


def moody(exchange: Exchange, text: str) -> None:
    """Streams; hangs up while AWAY is set; takes a second a piece while SLOW is set."""
    if AWAY.is_set():
        exchange.hang_up()
    elif not SLOW.is_set():
        stream(exchange, text)
    else:
        exchange.open()
        for start in range(0, len(text), CHUNK):
            exchange.delta(content=text[start : start + CHUNK])
            if not exchange.wait(0.02 if start < len(text) // 2 else 1.0):
                return


@pytest.fixture(scope="module")
def model(casebook: Casebook) -> Iterator[ScriptedServer]:
    with ScriptedServer(Kind("moody", send=moody, good=True), casebook.incidents()) as server:
        yield server


@pytest.fixture(scope="module")
def with_model(model: ScriptedServer, data_folder: Path, serve_page: Serve) -> Iterator[str]:
    opened = Casebook(Settings(data=data_folder, llm=model.url))
    with serve_page(opened, data_folder) as address:
        yield address
    opened.close()


def ask(page: Page, text: str = LOG) -> None:
    box = page.locator("#cb-box textarea")
    box.fill(text)
    box.press("Enter")


def test_a_server_goes_away_and_comes_back(visit: Open, with_model: str) -> None:
    page = visit("/en/", address=with_model)
    last = page.locator("#cb-chat .bot-row").last
    for turn, away in enumerate((False, True, False), start=1):
        (AWAY.set if away else AWAY.clear)()
        ask(page)
        expect(page.locator("#cb-chat .bot-row")).to_have_count(turn, timeout=PATIENT)
        expect(page.locator("#cb-follow .cb-feedback")).to_be_visible(timeout=PATIENT)
        remark = expect(last.get_by_text("The model could not write this answer"))
        (remark.to_be_visible if away else remark.to_have_count)(*(() if away else (0,)))
        expect(last).to_contain_text("label")


def test_a_stream_is_stopped_and_the_model_with_it(visit: Open, with_model: str, model: ScriptedServer) -> None:
    AWAY.clear()
    SLOW.set()
    left = model.left
    page = visit("/zh/", "zh", address=with_model)
    ask(page)
    stop = page.locator("#cb-box .stop-button")
    expect(stop).to_be_visible(timeout=PATIENT)
    expect(page.locator("#cb-chat .bot-row .md strong").first).to_be_visible(timeout=PATIENT)
    page.keyboard.press("Escape")
    expect(page.locator("#cb-chat .bot-row")).to_contain_text("已停止", timeout=PATIENT)
    expect(page.locator("#cb-box .submit-button")).to_be_visible()
    end = time.monotonic() + 5
    while model.left == left and time.monotonic() < end:
        time.sleep(0.05)
    SLOW.clear()
    assert model.left == left + 1, "the model writes on"
    expect(page.locator("#cb-panel .cb-cause").first).to_be_visible()
