"""Who may come in: addresses, log-ins, rates, names; and that owners see nothing of each other."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.access import Access, as_visitor, check_address, is_loopback, owner_of
from app.api import create_app
from app.casebook import Casebook
from app.settings import Settings
from kb.errors import InputError

TOKEN, OTHER = "tok-0123456789abcdef", "tok-fedcba9876543210"
USERS = SecretStr("alice:correct horse, bob:battery:staple")
TOKENS = SecretStr(f"ci:{TOKEN},cd:{OTHER}")
QUESTION = {"text": "loss is 0 from the first step"}


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_no_log_in(host: str) -> None:
    assert is_loopback(host)
    check_address(host, Access(Settings()))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "casebook.example"])
def test_any_other_address_needs_users_or_tokens(host: str) -> None:
    with pytest.raises(InputError, match="CASEBOOK_USERS"):
        check_address(host, Access(Settings()))
    check_address(host, Access(Settings(users=USERS)))
    check_address(host, Access(Settings(tokens=TOKENS)))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (_basic("alice", "correct horse"), "alice"),
        (_basic("bob", "battery:staple"), "bob"),
        (f"Bearer {TOKEN}", "ci"),
        (f"bearer {OTHER}", "cd"),
        (_basic("anything", TOKEN), "ci"),
        (_basic("alice", "battery:staple"), None),
        (_basic("alice", ""), None),
        (_basic("nobody", "\0"), None),
        ("Bearer ", None),
        ("Bearer correct horse", None),
        ("Basic !!!", None),
        ("Basic " + base64.b64encode(b"\xff\xff").decode(), None),
        (TOKEN, None),
        ("", None),
    ],
)
def test_who_an_authorization_header_names(header: str, name: str | None) -> None:
    assert Access(Settings(users=USERS, tokens=TOKENS)).who(header) == name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tokens": SecretStr("ci:short-secret")}, "CASEBOOK_TOKENS: entry 1"),
        ({"tokens": SecretStr(f"a:{TOKEN},{OTHER}")}, "CASEBOOK_TOKENS: entry 2"),
        ({"users": SecretStr("alice:short")}, "CASEBOOK_USERS: entry 1"),
        ({"users": SecretStr("alice:long-enough,alice:long-enough-2")}, "named twice"),
        ({"users": USERS, "tokens": SecretStr(f"alice:{TOKEN}")}, "both name 'alice'"),
    ],
)
def test_settings_that_cannot_be_used_are_named_without_their_secret(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        Access(Settings(**given))
    assert not any(secret in str(raised.value) for secret in ("short-secret", OTHER, "long-enough"))


def test_a_logged_in_user_owns_the_same_cases_from_any_browser() -> None:
    forged = f"casebook_visitor={'x' * 40}; other=1"
    assert owner_of(as_visitor("alice", forged)) == owner_of(as_visitor("alice", None))
    assert owner_of(as_visitor("alice", forged)) != owner_of(as_visitor("bob", forged))
    assert "other=1" in as_visitor("alice", forged)
    assert owner_of(None) == owner_of("casebook_visitor=short") == "local"


@pytest.fixture(scope="module")
def guarded(casebook: Casebook, serve: Any) -> Iterator[str]:
    """The address of an application with users and tokens."""
    with serve(create_app(casebook, Settings(users=USERS, tokens=TOKENS))) as address:
        yield str(address)


def _as(address: str, authorization: str, **more: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"authorization": authorization, **more}, timeout=30)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/metrics", "/v1/incidents", "/mcp", "/nothing"])
def test_nothing_but_health_answers_without_log_in(guarded: str, path: str) -> None:
    answer = httpx.get(guarded + path)
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
    assert answer.headers["content-type"] == "application/problem+json"
    assert httpx.get(f"{guarded}/healthz").status_code == httpx.get(f"{guarded}/readyz").status_code == 200


def test_one_users_case_is_never_shown_to_another(guarded: str) -> None:
    alice, ci = _as(guarded, _basic("alice", "correct horse")), _as(guarded, f"Bearer {TOKEN}")
    case = alice.post("/v1/diagnose", json=QUESTION).json()["case"]
    stolen = as_visitor("alice", None)  # even with the cookie that alice's requests carry inside
    for other in (ci, _as(guarded, f"Bearer {OTHER}", cookie=stolen)):
        assert other.get(f"/v1/cases/{case}").status_code == 404
        assert other.get(f"/v1/cases/{case}/markdown").status_code == 404
        assert other.post("/v1/diagnose", json={"text": "more", "case": case}).status_code == 404
        assert other.post(f"/v1/cases/{case}/feedback", json={"outcome": "fixed"}).status_code == 404
        assert other.delete(f"/v1/cases/{case}").status_code == 404
    assert alice.get(f"/v1/cases/{case}").status_code == 200


def test_guessing_is_slowed_down(casebook: Casebook, serve: Any) -> None:
    with serve(create_app(casebook, Settings(users=USERS))) as address:
        wrong = _as(address, _basic("alice", "wrong horse"))
        found = [wrong.get("/v1/incidents").status_code for _ in range(12)]
        right = _as(address, _basic("alice", "correct horse")).get("/v1/incidents")
        assert found == [401] * 10 + [429] * 2 and right.status_code == 429
        assert int(right.headers["retry-after"]) > 0


def test_the_rate_of_one_client_is_limited_and_anothers_is_not(casebook: Casebook, serve: Any) -> None:
    with serve(create_app(casebook, Settings(tokens=TOKENS, rate="3/minute"))) as address:
        ci, cd = _as(address, f"Bearer {TOKEN}"), _as(address, f"Bearer {OTHER}")
        found = [ci.get("/v1/incidents") for _ in range(4)]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429]
        assert int(found[-1].headers["retry-after"]) > 0 and "CASEBOOK_RATE" in found[-1].json()["detail"]
        assert cd.get("/v1/incidents").status_code == 200
        assert ci.get("/docs").status_code == 200  # what costs nothing is not counted


def test_a_rate_that_cannot_be_read_is_named(casebook: Casebook) -> None:
    with pytest.raises(InputError, match="CASEBOOK_RATE"):
        create_app(casebook, Settings(rate="often"))


def test_other_names_and_other_origins_are_refused(casebook: Casebook, serve: Any) -> None:
    with serve(create_app(casebook, Settings())) as address:
        port = address.rsplit(":", 1)[1]
        for host in ("evil.example", f"evil.example:{port}", "", "127.0.0.1.evil.example", "[", "0.0.0.0"):
            assert httpx.get(f"{address}/v1/incidents", headers={"host": host}).status_code == 400, host
        for host in ("localhost", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST:1"):
            assert httpx.get(f"{address}/v1/incidents", headers={"host": host}).status_code == 200, host
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://"):
            answer = httpx.post(f"{address}/v1/diagnose", json=QUESTION, headers={"origin": origin})
            assert answer.status_code == 403, origin
        assert httpx.post(f"{address}/v1/diagnose", json=QUESTION, headers={"origin": address}).status_code == 200


def test_visitors_without_log_in_see_only_their_own(casebook: Casebook, serve: Any) -> None:
    with serve(create_app(casebook, Settings())) as address:
        one, two = ({"casebook_visitor": letter * 43} for letter in "ab")
        case = httpx.post(f"{address}/v1/diagnose", json=QUESTION, cookies=one).json()["case"]
        assert httpx.get(f"{address}/v1/cases/{case}", cookies=one).status_code == 200
        assert httpx.get(f"{address}/v1/cases/{case}", cookies=two).status_code == 404
        assert httpx.get(f"{address}/v1/cases/{case}").status_code == 404


def test_no_file_is_reachable(casebook: Casebook, serve: Any, data_folder: Path) -> None:
    from app.web import mount

    settings = Settings(data=data_folder)
    secret = data_folder / "index" / "current"
    inside = secret if secret.is_file() else next(p for p in data_folder.rglob("*") if p.is_file())
    with serve(mount(create_app(casebook, settings), casebook, settings)) as address:
        for path in (
            "/en/gradio_api/file=/etc/passwd",
            f"/en/gradio_api/file={inside}",
            "/zh/gradio_api/file=../../../../etc/passwd",
            "/static/../layout.py",
            "/static/%2e%2e/layout.py",
            "/static/..%2flayout.py",
            "/incidents/..%2f..%2fetc%2fpasswd",
            "/v1/incidents/..%2f..%2fetc%2fpasswd",
            "/cases/..%2f..%2fetc",
        ):
            answer = httpx.get(f"{address}{path}")
            assert answer.status_code in (403, 404), path
            assert "root:" not in answer.text and "import" not in answer.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_command_refuses_to_open_itself_to_the_network(host: str, data_folder: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CASEBOOK_")} | {"CASEBOOK_DATA": str(data_folder)}
    command = [sys.executable, "-m", "app.main", "web", "--host", host, "--port", "0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"casebook: host {host}: ") and "CASEBOOK_TOKENS" in done.stderr
