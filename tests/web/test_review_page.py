"""The review page over HTTP: shown escaped, refused while unfinished, accepted once, behind the page's rules."""

from collections.abc import Iterator

import httpx
import pytest

from app.api import create_app
from app.casebook import Casebook
from app.settings import Settings
from app.web import mount
from ingest.draft_files import write_draft
from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft

HOSTILE = "<script>alert(1)</script>"
PAGE = f"""# Training crashes with a zebra error {HOSTILE}

## Symptom
The first step of the transformers Trainer crashes with RuntimeError: zebra stripes do not match {HOSTILE}

## Root cause
The stripes are counted twice.

## Solution
I set stripes to one and this fixed it. {HOSTILE}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("review")
    one = draft(read_source(PAGE.encode(), "zebra.md")[0])
    assert isinstance(one, Draft)
    write_draft(one, folder / "drafts")
    return Settings(data=folder / "data", drafts=folder / "drafts", rate="2000/minute")


@pytest.fixture(scope="module")
def client(casebook: Casebook, settings: Settings, serve: object) -> Iterator[httpx.Client]:
    app = mount(create_app(casebook, settings), casebook, settings)
    with serve(app) as address, httpx.Client(base_url=address) as opened:  # type: ignore[operator]
        yield opened


def test_a_draft_is_shown_edited_and_accepted(client: httpx.Client, settings: Settings) -> None:
    id = next(settings.drafts.glob("*.md")).stem
    assert f'href="/review/{id}"' in client.get("/review").text
    page = client.get(f"/review/{id}").text
    assert HOSTILE not in page and "&lt;script&gt;" in page and '<mark title="fix">' in page
    for path in ("/review/none", "/review/..%2f..%2fetc"):
        assert client.get(path).status_code == 404
    text = (settings.drafts / f"{id}.md").read_text("utf-8")
    refused = client.post(f"/review/{id}", data={"action": "accept", "text": text})
    assert refused.status_code == 422 and "area: Field required" in refused.text
    done = text.replace("status: draft", "area: training\nphases: [step]\ncause_kind: config\nstatus: draft")
    done = done.replace("    read_on:", "    shows: {en: what the page tells}\n    read_on:")
    done = done.replace("## Check", "## Check\nCount the stripes.").replace("counted twice.", "counted twice [1].")
    saved = client.post(f"/review/{id}", data={"action": "save", "text": done})
    assert saved.status_code == 200 and 'role="alert"' not in saved.text, saved.text
    elsewhere = client.post(f"/review/{id}", data={"action": "accept"}, headers={"origin": "http://evil.example"})
    assert elsewhere.status_code == 403
    accepted = client.post(f"/review/{id}", data={"action": "accept", "text": done, "reviewer": "ann"})
    assert accepted.status_code == 303
    assert (settings.reviewed / f"{id}.md").read_text("utf-8").count("by: ann") == 1
    assert client.get("/review").text.count("/review/zebra") == 0
    assert client.post(f"/review/{id}", data={"action": "accept", "text": done}).status_code == 404
