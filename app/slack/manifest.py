"""The app as Slack has to know it: what `casebook slack --manifest` prints."""

import json
from typing import Any

COMMAND, SHORTCUT = "/casebook", "diagnose_this"
SCOPES = {  # each with what it is for
    "app_mentions:read": "mentions",
    "channels:history": "threads of public channels, and replies in them",
    "chat:write": "answers, in threads and to one person",
    "commands": "the slash command and the shortcut",
    "files:read": "attached logs",
    "files:write": "the picture of the metrics",
    "groups:history": "threads of private channels",
    "im:history": "direct messages",
    "mpim:history": "group messages",
    "reactions:write": "the sign that a question is being worked on",
}
EVENTS = ("app_mention", "message.channels", "message.groups", "message.im", "message.mpim")
APP_SCOPES = ("connections:write",)  # of the app-level token, for Socket Mode


def manifest(url: str | None = None) -> str:
    """JSON for "Create an app from a manifest". `url`: where Slack sends requests in HTTP mode; None: Socket Mode."""
    command: dict[str, Any] = {
        "command": COMMAND,
        "description": "Root cause and fix of a training or serving failure, seen by you alone",
        "usage_hint": "loss is 0.0 from step 1",
        "should_escape": False,
    }
    shortcut = {
        "name": "Diagnose this",
        "type": "message",
        "callback_id": SHORTCUT,
        "description": "Root cause and fix of the failure in this message",
    }
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url:
        command["url"] = events["request_url"] = interactivity["request_url"] = url
    described = {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Casebook",
            "description": "Root causes and fixes for LLM training, fine-tuning and serving failures",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "casebook", "always_online": True},
            "shortcuts": [shortcut],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
    return json.dumps(described, indent=2, ensure_ascii=False)
