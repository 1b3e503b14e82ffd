"""HTTP mode and its signatures; the command line's --manifest and --check; scopes."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time

import pytest
from fake_slack import APP_TOKEN, BOT, BOT_TOKEN, SIGNING, TEAM, FakeSlack
from filelock import FileLock
from slack_people import command_body, event_body, own, slack_settings, until
from starlette.testclient import TestClient

from app.settings import Settings
from app.slack.check import check
from app.slack.manifest import EVENTS, SCOPES, manifest
from app.slack.service import serve
from app.slack.settings import SlackSettings
from app.slack.web import create
from kb.errors import CasebookError, UnavailableError

QUESTION = "loss is 0.0 and grad_norm 0.0 from the first step with axolotl"


def signed(body: str, secret: str = SIGNING, at: float | None = None) -> dict[str, str]:
    """The headers that Slack sends, as its documentation describes them."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "x-slack-signature": f"v0={digest}",
        "x-slack-request-timestamp": stamp,
        "content-type": "application/json",
    }


@pytest.fixture
def served(slack_bot):
    slack, _, bot = slack_bot(listening=False)
    with TestClient(create(bot.app)) as client:
        yield slack, bot, client


def mention(slack, team=TEAM):
    message = slack.add("C1", "U1", text=f"<@{BOT}> {QUESTION}")
    return json.dumps(event_body({**message, "type": "app_mention", "channel": "C1"}, team))


def test_a_signed_request_is_answered_once_however_often_it_comes(served):
    slack, bot, client = served
    body = mention(slack)
    for _ in range(3):
        assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 200
    until(lambda: bot.state.counts() == {"done": 1})
    assert len(own(slack, "C1")) == 1


def test_bad_signature_stale_time_and_another_workspace_get_nowhere(served):
    slack, bot, client = served
    body = mention(slack)
    assert client.post("/slack/events", content=body, headers=signed(body, "0" * 32)).status_code == 401
    assert client.post("/slack/events", content=body, headers=signed(body, at=time.time() - 400)).status_code == 401
    assert client.post("/slack/events", content=body).status_code == 401
    assert client.post("/slack/events", content=body + " ", headers=signed(body)).status_code == 401
    foreign = mention(slack, "T9OTHER")
    client.post("/slack/events", content=foreign, headers=signed(foreign))
    assert client.post("/slack/events", content="x" * (2 << 20)).status_code == 413
    time.sleep(0.3)
    assert bot.state.counts() == {}
    assert own(slack, "C1") == []


def test_slack_verifies_the_address(served):
    _, _, client = served
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "c123"})
    assert "c123" in client.post("/slack/events", content=body, headers=signed(body)).text


def test_a_command_is_acknowledged_at_once(served):
    slack, _, client = served
    fields = {**command_body(QUESTION, "C1", "U1", f"http://127.0.0.1:{slack.port}/respond/1"), "trigger_id": "1.2"}
    body = "&".join(f"{k}={v.replace(' ', '+')}" for k, v in fields.items())
    headers = {**signed(body), "content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/slack/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["text"]) == (200, "Looking into it …")
    until(lambda: slack.responses)


def test_a_question_that_cannot_be_recorded_is_not_acknowledged(served):
    slack, bot, client = served
    with bot.state._writing.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE slack_jobs RENAME TO away")
    body = mention(slack)
    assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 500
    with bot.state._writing.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO slack_jobs")
    assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 200
    until(lambda: bot.state.counts() == {"done": 1})


def test_the_manifest_names_the_scopes_and_events_that_are_used():
    described = json.loads(manifest())
    assert set(described["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert described["settings"]["event_subscriptions"] == {"bot_events": list(EVENTS)}
    assert described["settings"]["socket_mode_enabled"] is True
    with_url = json.loads(manifest("https://bot.example/slack/events"))
    assert with_url["settings"]["interactivity"]["request_url"] == "https://bot.example/slack/events"
    assert with_url["settings"]["socket_mode_enabled"] is False


def test_check_passes_where_all_is_in_order():
    with FakeSlack() as slack:
        env = {
            **os.environ,
            "CASEBOOK_SLACK_API": slack.api,
            "CASEBOOK_SLACK_BOT_TOKEN": BOT_TOKEN,
            "CASEBOOK_SLACK_APP_TOKEN": APP_TOKEN,
        }
        run = [sys.executable, "-m", "app.main", "slack", "--check"]
        done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "bot token: @casebook of workspace T0TEAM" in done.stdout
    assert "Socket Mode opens" in done.stdout


@pytest.mark.parametrize(
    ("more", "status", "line"),
    [
        ({"bot_token": None}, 2, "CASEBOOK_SLACK_BOT_TOKEN: not set"),
        ({"bot_token": "xoxp-1"}, 2, "does not begin with xoxb-"),
        ({"app_token": None, "signing_secret": None}, 2, "CASEBOOK_SLACK_APP_TOKEN: not set"),
        ({"signing_secret": "short"}, 2, "CASEBOOK_SLACK_SIGNING_SECRET: not 32"),
        ({"people": "@jo"}, 2, "CASEBOOK_SLACK_PEOPLE: '@jo'"),
        ({"channels": "#general"}, 2, "CASEBOOK_SLACK_CHANNELS: '#general'"),
        ({"bot_token": "xoxb-wrong"}, 3, "CASEBOOK_SLACK_BOT_TOKEN: the token is wrong"),
        ({"app_token": "xapp-wrong"}, 3, "CASEBOOK_SLACK_APP_TOKEN: the token is wrong"),
    ],
)
def test_check_says_what_is_wrong(more, status, line):
    with FakeSlack() as slack, pytest.raises(CasebookError) as caught:
        list(check(slack_settings(slack, **more)))
    assert caught.value.exit_code == status
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_check_names_missing_scopes():
    with FakeSlack() as slack:
        slack.scopes.discard("files:read")
        with pytest.raises(UnavailableError, match=r"lacks files:read \(attached logs\)"):
            list(check(slack_settings(slack)))


def test_check_says_that_slack_cannot_be_reached(monkeypatch):
    monkeypatch.setattr("app.slack.check.PATIENCE", 0.5)
    settings = SlackSettings(bot_token="xoxb-1", app_token="xapp-1", api="http://127.0.0.1:9/api")
    with pytest.raises(UnavailableError, match=r"Slack at 127\.0\.0\.1:9 did not answer auth\.test"):
        list(check(settings))


def test_a_second_bot_on_the_same_data_folder_is_refused(tmp_path, casebook):
    refused = pytest.raises(UnavailableError, match="another casebook slack is running")
    with FakeSlack() as slack, FileLock(tmp_path / "slack.lock"), refused:
        serve(casebook, Settings(data=tmp_path), slack_settings(slack), print, ("127.0.0.1", 0))
