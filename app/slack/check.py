"""What `casebook slack --check` does: the tokens, what they may do, and the rest of the settings."""

import re
from collections.abc import Iterator

from app.slack.client import Client, Refused
from app.slack.manifest import APP_SCOPES, SCOPES
from app.slack.model import Me
from app.slack.settings import SlackSettings, secret
from kb.errors import InputError, UnavailableError

WHERE = "https://api.slack.com/apps"
PATIENCE = 20.0  # seconds with a Slack that does not answer
_CHANNEL, _PERSON, _SECRET = (
    re.compile(r"[CG][A-Z0-9]+"),
    re.compile(r"[UWS][A-Z0-9]+"),
    re.compile(r"[0-9a-f]{32}"),
)
_MEANING = {
    "invalid_auth": "the token is wrong, or of another workspace",
    "not_authed": "the token is empty",
    "account_inactive": "the app was removed from the workspace; install it again",
    "token_revoked": "the token was revoked; install the app again",
    "token_expired": "token rotation is on; turn it off in the app's settings",
    "not_allowed_token_type": "a token of another kind stands there",
    "missing_scope": "the token lacks a scope",
    "forbidden_team": "the token is of another workspace",
}


def settled(settings: SlackSettings) -> None:
    """Look at the settings without calling anybody. Raises InputError that names the variable and where to get it."""
    _kind("CASEBOOK_SLACK_BOT_TOKEN", secret(settings.bot_token), "xoxb-", "OAuth & Permissions → Bot User OAuth Token")
    app_token, signing = secret(settings.app_token), secret(settings.signing_secret)
    if not app_token and not signing:
        raise InputError(
            "CASEBOOK_SLACK_APP_TOKEN: not set (Socket Mode: Basic Information → App-Level Tokens, scope "
            f"connections:write), nor CASEBOOK_SLACK_SIGNING_SECRET (HTTP mode); both at {WHERE}"
        )
    if app_token:
        _kind("CASEBOOK_SLACK_APP_TOKEN", app_token, "xapp-", "Basic Information → App-Level Tokens")
    if signing and not _SECRET.fullmatch(signing):
        raise InputError(
            "CASEBOOK_SLACK_SIGNING_SECRET: not 32 hexadecimal digits (Basic Information → App Credentials)"
        )
    for channel in settings.allowed_channels:
        if not _CHANNEL.fullmatch(channel):
            raise InputError(f"CASEBOOK_SLACK_CHANNELS: {channel[:40]!r} is not a channel's id such as C0123456789")
    for helper in settings.helpers:
        if not _PERSON.fullmatch(helper):
            raise InputError(f"CASEBOOK_SLACK_PEOPLE: {helper[:40]!r} is not the id of a user (U…) or user group (S…)")


def identify(client: Client) -> Me:
    """Who the bot is. Raises UnavailableError that says what is wrong with the token."""
    try:
        return client.me()
    except Refused as refused:
        raise _explained("CASEBOOK_SLACK_BOT_TOKEN", refused) from refused


def check(settings: SlackSettings) -> Iterator[str]:
    """One line for each thing that is in order. Raises InputError, UnavailableError at the first that is not."""
    settled(settings)
    client = Client(secret(settings.bot_token), settings.api, patience=PATIENCE)
    me = identify(client)
    yield f"bot token: @{me.name} of workspace {me.team}"
    if missing := sorted(set(SCOPES) - me.scopes):
        why = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
        raise UnavailableError(
            f"CASEBOOK_SLACK_BOT_TOKEN: lacks {why}; paste casebook slack --manifest into the app's manifest "
            f"at {WHERE} and install the app again"
        )
    yield f"scopes: all {len(SCOPES)}" + _surplus(me.scopes - set(SCOPES))
    if app_token := secret(settings.app_token):
        try:
            Client(app_token, settings.api, patience=PATIENCE).call("apps.connections.open")
        except Refused as refused:
            raise _explained("CASEBOOK_SLACK_APP_TOKEN", refused) from refused
        yield f"app token: Socket Mode opens ({', '.join(APP_SCOPES)})"
    else:
        yield "signing secret: HTTP mode; Slack proves it with its first request"
    yield f"channels: {', '.join(sorted(settings.allowed_channels)) or 'wherever the bot is invited'}"
    yield f"people: {', '.join(settings.helpers) or 'nobody (CASEBOOK_SLACK_PEOPLE)'}"


def _kind(variable: str, value: str, prefix: str, where: str) -> None:
    if not value:
        raise InputError(f"{variable}: not set ({where}, at {WHERE})")
    if not value.startswith(prefix):
        raise InputError(f"{variable}: does not begin with {prefix} ({where}, at {WHERE})")


def _explained(variable: str, refused: Refused) -> UnavailableError:
    meaning = _MEANING.get(refused.error, "Slack refuses it")
    needs = f", needs {refused.needed}" if refused.needed else ""
    return UnavailableError(f"{variable}: {meaning} ({refused.method}: {refused.error}{needs})")


def _surplus(scopes: frozenset[str]) -> str:
    return f"; not needed: {', '.join(sorted(scopes))}" if scopes else ""
