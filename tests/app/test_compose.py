"""The compose file: it parses, publishes on the loopback only, names volumes and networks that exist, checks health."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kb import yamlio

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> Any:
    return yamlio.load((ROOT / "compose.yaml").read_text(encoding="utf-8"), "compose.yaml")[0]


def test_only_the_page_is_published_and_only_here(compose: Any) -> None:
    published = {name: s["ports"] for name, s in compose["services"].items() if "ports" in s}
    assert published == {"casebook": ["127.0.0.1:7860:7860"]}


def test_everything_named_exists(compose: Any) -> None:
    for service in compose["services"].values():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]
        assert set(service["networks"]) <= set(compose["networks"])
        assert service["healthcheck"]["test"]
    assert set(compose["services"]["casebook"]["depends_on"]) <= set(compose["services"])


def test_settings_of_the_container_are_settings_we_have(compose: Any) -> None:
    from app.settings import Settings

    for name in compose["services"]["casebook"]["environment"]:
        assert name.removeprefix("CASEBOOK_").lower() in Settings.model_fields


def test_the_chroma_server_is_the_client_we_test(compose: Any) -> None:
    pinned = re.search(r"^chromadb==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    assert pinned and compose["services"]["chroma"]["image"] == f"chromadb/chroma:{pinned[1]}"


def test_the_image_copies_every_package() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    copied = re.findall(r"^COPY (\w+) \w+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert {name.split(".")[0] for name in packages} == set(copied)
