"""Block Kit's documented limits, as the fake Slack holds messages and dialogs to them."""

from collections.abc import Mapping, Sequence
from typing import Any

TEXTS = {"section": 3000, "context": 3000}
MAX_BLOCKS, MAX_VIEW_BLOCKS, MAX_ELEMENTS = 50, 100, 25


def invalid_blocks(blocks: Sequence[Mapping[str, Any]], most: int = MAX_BLOCKS) -> str:
    """What is wrong with the blocks of a message; nothing where they are right."""
    if len(blocks) > most:
        return f"{len(blocks)} blocks"
    ids = [b["block_id"] for b in blocks if "block_id" in b]
    if len(ids) != len(set(ids)):
        return "block_id is not unique"
    for block in blocks:
        if problem := _block(block):
            return f"{block['type']}: {problem}"
    return ""


def invalid_view(view: Mapping[str, Any]) -> str:
    """What is wrong with a dialog."""
    for name in ("title", "submit", "close"):
        if not 0 < len(view[name]["text"]) <= 24:
            return f"{name} must have 1 to 24 characters"
    if len(view["private_metadata"]) > 3000 or len(view["callback_id"]) > 255:
        return "private_metadata or callback_id is too long"
    return invalid_blocks(view["blocks"], MAX_VIEW_BLOCKS)


def _block(block: Mapping[str, Any]) -> str:
    kind = block["type"]
    if kind == "section":
        return _text(block["text"], 3000)
    if kind == "context":
        if not 0 < len(block["elements"]) <= 10:
            return "elements"
        return next((p for e in block["elements"] if (p := _text(e, 3000))), "")
    if kind == "actions":
        if not 0 < len(block["elements"]) <= MAX_ELEMENTS:
            return "elements"
        actions = [e["action_id"] for e in block["elements"]]
        if len(actions) != len(set(actions)):
            return "action_id is not unique"
        return next((p for e in block["elements"] if (p := _button(e))), "")
    if kind == "input":
        return _text(block["label"], 2000) or _element(block["element"])
    return "unknown type"


def _text(text: Mapping[str, Any], most: int) -> str:
    if text["type"] not in ("mrkdwn", "plain_text"):
        return "not a text"
    return "" if 0 < len(text["text"]) <= most else f"text of {len(text['text'])} characters"


def _button(button: Mapping[str, Any]) -> str:
    if len(button.get("value", "")) > 2000 or len(button["action_id"]) > 255:
        return "value or action_id is too long"
    return _text(button["text"], 75)


def _element(element: Mapping[str, Any]) -> str:
    options = element.get("options", [])
    if len(options) > 10:
        return "more than 10 radio buttons"
    if any(len(o["value"]) > 150 for o in options):
        return "an option's value is too long"
    return next((p for o in options if (p := _text(o["text"], 75))), "")
