"""Fetching: kept raw and never overwritten, polite, bounded, never to private addresses. Against a local server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ingest import fetch
from ingest.fetch import Fetcher, is_public
from kb.errors import InputError

PAGES = {
    "/page": (200, {"Content-Type": "text/html"}, b"<html><body><p>hello</p></body></html>"),
    "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private\n"),
    "/private/x": (200, {"Content-Type": "text/html"}, b"not for you"),
    "/moved": (302, {"Location": "/page"}, b""),
    "/loop": (302, {"Location": "/loop"}, b""),
    "/inside": (302, {"Location": "http://169.254.169.254/latest/meta-data"}, b""),
    "/file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/missing": (404, {"Content-Type": "text/html"}, b"no"),
    "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    "/huge": (200, {"Content-Type": "text/html"}, b"x" * 300_000),
}


class Handler(BaseHTTPRequestHandler):
    agents: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.agents.append(self.headers["User-Agent"])
        status, headers, body = PAGES.get(self.path, PAGES["/missing"])
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetcher(folder: Path) -> Fetcher:
    return Fetcher(folder, allow_private=True, pause=0)


def test_bytes_are_kept_under_their_hash_with_a_record_for_each_time(site: str, tmp_path: Path) -> None:
    one = fetcher(tmp_path)
    assert one.fetch(f"{site}/page") == PAGES["/page"][2]
    [raw] = tmp_path.glob("*.bin")
    raw.write_bytes(b"kept")  # what is there is never written again
    one.fetch(f"{site}/moved")
    assert [p.read_bytes() for p in tmp_path.glob("*.bin")] == [b"kept"]
    records = [json.loads(p.read_text()) for p in sorted(tmp_path.glob("*.json"))]
    assert {r["url"] for r in records} == {f"{site}/page", f"{site}/moved"}
    assert {r["final_url"] for r in records} == {f"{site}/page"}
    assert all(r["sha256"] == raw.stem and r["fetched_at"].endswith("+00:00") for r in records)
    assert "casebook" in Handler.agents[-1]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/private/x", "robots.txt"), ("/loop", "redirects"), ("/missing", "404"), ("/picture", "image/png"),
        ("/file", "only http"), ("/huge", "larger than"),
    ],
)  # fmt: skip
def test_what_is_not_fetched_says_why(
    site: str, tmp_path: Path, path: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 200_000)
    with pytest.raises(InputError, match=says) as caught:
        fetcher(tmp_path).fetch(site + path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.bin"))


def test_private_addresses_are_refused_also_after_a_redirect(site: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a public address"):
        Fetcher(tmp_path, pause=0).fetch(f"{site}/page")
    one = fetcher(tmp_path)
    one._robots = {site: _allows_all()}
    one.allow_private = False
    for url in ("http://localhost/x", "http://[::1]/", "http://0.0.0.0/", "http://2130706433/"):
        with pytest.raises(InputError):
            one.fetch(url)


def _allows_all() -> "fetch.urllib.robotparser.RobotFileParser":
    rules = fetch.urllib.robotparser.RobotFileParser()
    rules.parse([])
    return rules


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("192.168.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("::1", False), ("fe80::1", False),
        ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("224.0.0.1", False),
        ("0.0.0.0", False), ("fd00::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", ["ftp://a.b/c", "http://user:pw@a.b/", "http://a.b:99999/", "http:///x", "http://a b/"])
def test_addresses_that_are_none(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        fetcher(tmp_path).fetch(url)


def test_a_pause_between_two_requests_to_one_host(site: str, tmp_path: Path) -> None:
    waits: list[float] = []
    one = Fetcher(tmp_path, allow_private=True, pause=5, sleep=waits.append)
    one.fetch(f"{site}/page")
    assert len(waits) == 1 and 4 < waits[0] <= 5  # robots.txt first, then the page
