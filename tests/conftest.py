"""Shared real things: the exported default model, a small incident folder, an index and a casebook over it."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.casebook import Casebook
from app.settings import Settings
from kb.embedding import DEFAULT_MODEL, Embedder, load_embedder
from kb.library import BUILT_IN


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the exported model and, once a casebook was opened, the index of the built-in base."""
    kept = os.environ.get("CASEBOOK_TEST_DATA")  # a folder to keep between runs, so that the index is built once
    return Path(kept) if kept else tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session", autouse=True)
def _not_the_users_data(data_folder: Path) -> None:
    """Whatever opens a casebook by the settings alone uses the run's folder, not the user's."""
    os.environ["CASEBOOK_DATA"] = str(data_folder)


@pytest.fixture(scope="session")
def embedder(data_folder: Path) -> Embedder:
    """The default model, exported once for the whole run."""
    return load_embedder(DEFAULT_MODEL, data_folder)


@pytest.fixture(scope="session")
def casebook(data_folder: Path, embedder: Embedder) -> Iterator[Casebook]:
    """A casebook over the built-in base."""
    opened = Casebook(Settings(data=data_folder, retention_days=0), keep=True)
    yield opened
    opened.close()


@pytest.fixture
def few_incidents(tmp_path: Path) -> Path:
    """A folder with copies of four built-in incidents."""
    folder = tmp_path / "incidents"
    folder.mkdir()
    names = (
        "axolotl-loss-zero-field-mapping",
        "grpo-zero-advantage",
        "grpo-loss-zero-expected",
        "qwen-7b-loss-zero-after-gradient-spike",
    )
    for name in names:
        text = (BUILT_IN / "training" / f"{name}.md").read_text(encoding="utf-8")
        (folder / f"{name}.md").write_text(text.replace("symptom_groups: [loss-zero]", "symptom_groups: []"), "utf-8")
    return folder


@pytest.fixture
def model_only_data(tmp_path: Path, data_folder: Path, embedder: Embedder) -> Path:
    """A data folder of one's own with the exported model and no index."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copytree(data_folder / "embedders", folder / "embedders")
    return folder


Serve = Callable[[Any], Any]


@contextmanager
def _served(app: Any) -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="session")
def serve() -> Serve:
    """A context manager: the address at which an application is served meanwhile."""
    return _served
