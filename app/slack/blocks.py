"""A diagnosis as Slack's Block Kit, within its limits: 50 blocks, 3,000 characters of text each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.diagnosis import Diagnosis, NextCheck
from app.slack.mrkdwn import escape, mrkdwn, sections
from app.slack.words import word
from kb.types import Lang

MAX_SECTIONS, MAX_CHECKS = 5, 2  # five sections are about 14,000 characters, beyond what is read in a thread
MAX_ASK, MAX_TEXT = 600, 2900  # characters: of a check above its buttons; of any section
VALUES = ("yes", "no", "unknown")

Block = dict[str, Any]


def answer(diagnosis: Diagnosis, *, private: bool = False, buttons: bool = True) -> list[Block]:
    """The whole message; `private`: only its asker sees it, and may share it. Without buttons it is a past answer."""
    return [*said(diagnosis), *closing(diagnosis, private=private, buttons=buttons)]


def said(diagnosis: Diagnosis) -> list[Block]:
    """The answer's text."""
    texts = sections(diagnosis.answer, MAX_SECTIONS)
    blocks = [section(text) for text in texts]
    if texts and texts[-1].endswith("…") and diagnosis.causes:
        blocks.append(context(word("more", diagnosis.language, incident=diagnosis.causes[0].incident)))
    return blocks


def closing(diagnosis: Diagnosis, *, private: bool = False, buttons: bool = True) -> list[Block]:
    """What stands under the text: checks with their buttons, feedback, where it comes from."""
    lang = diagnosis.language
    blocks = [b for check in diagnosis.next_checks[:MAX_CHECKS] for b in _check(check, diagnosis)] if buttons else []
    if buttons:
        blocks.append({"type": "actions", "block_id": "after", "elements": _after(diagnosis, private)})
    note = word("base", lang, version=diagnosis.kb.version)
    if diagnosis.writer.fallback_reason:
        note += " · " + word("composed", lang, why=escape(diagnosis.writer.fallback_reason))
    return [*blocks, context(note)]


def headline(diagnosis: Diagnosis) -> str:
    """One line for notifications and summaries: the first of the answer, in mrkdwn."""
    first = next((line for line in diagnosis.answer.split("\n") if line.strip()), diagnosis.reason)
    return mrkdwn(first)[:300].strip()


def section(text: str) -> Block:
    """Text in mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, "expand": True}


def context(text: str) -> Block:
    """A small line in mrkdwn."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:2900]}]}


def why_dialog(lang: Lang, metadata: Mapping[str, str]) -> Block:
    """The dialog behind "Not my problem"."""
    reasons = [_option(word(f"why_{name}", lang), name) for name in ("other_cause", "no_help", "unclear")]
    chosen = {"type": "radio_buttons", "action_id": "reason", "options": reasons, "initial_option": reasons[0]}
    note = {"type": "plain_text_input", "action_id": "note", "multiline": True, "max_length": 2000}
    inputs: list[Block] = [
        {"type": "input", "block_id": "reason", "label": _plain(word("why_ask", lang)), "element": chosen},
        {
            "type": "input",
            "block_id": "note",
            "label": _plain(word("why_note", lang)),
            "element": note,
            "optional": True,
        },
    ]
    return _dialog("why", word("why_title", lang), lang, metadata, inputs)


def which_dialog(diagnosis: Diagnosis, metadata: Mapping[str, str]) -> Block:
    """The dialog behind "This fixed it" where several causes are open."""
    lang = diagnosis.language
    options = [_option(cause.title, cause.incident) for cause in diagnosis.causes]
    options.append(_option(word("which_none", lang), "-"))
    chosen = {"type": "radio_buttons", "action_id": "which", "options": options, "initial_option": options[0]}
    asked = {"type": "input", "block_id": "which", "label": _plain(word("which_ask", lang)), "element": chosen}
    return _dialog("which", word("which_title", lang), lang, metadata, [asked])


def _check(check: NextCheck, diagnosis: Diagnosis) -> list[Block]:
    lang = diagnosis.language
    text = mrkdwn(check.do).strip()
    asked = section(f"*{word('check_ask', lang)}:* {text[:MAX_ASK]}")
    elements = [
        _button(word(value, lang), f"check_{value}", {"case": diagnosis.case, "check": check.id}) for value in VALUES
    ]
    return [asked, {"type": "actions", "block_id": f"check:{check.id}"[:255], "elements": elements}]


def _after(diagnosis: Diagnosis, private: bool) -> list[Block]:
    lang, about = diagnosis.language, {"case": diagnosis.case}
    buttons = []
    if diagnosis.causes:
        buttons = [
            _button(word("fixed", lang), "fixed", about, "primary"),
            _button(word("not_mine", lang), "not_mine", about),
        ]
    buttons.append(_button(word("person", lang), "person", about))
    if private:
        buttons.append(_button(word("share", lang), "share", about))
    return buttons


def _button(text: str, action: str, value: Mapping[str, str], style: str | None = None) -> Block:
    button = {"type": "button", "text": _plain(text), "action_id": action, "value": json.dumps(value)}
    return button | ({"style": style} if style else {})


def _option(text: str, value: str) -> Block:
    return {"text": _plain(text), "value": value[:150]}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text if len(text) <= 75 else text[:74] + "…"}


def _dialog(name: str, title: str, lang: Lang, metadata: Mapping[str, str], inputs: Sequence[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": json.dumps(metadata),
        "title": _plain(title[:24]),
        "submit": _plain(word("send", lang)),
        "close": _plain(word("cancel", lang)),
        "blocks": list(inputs),
    }
