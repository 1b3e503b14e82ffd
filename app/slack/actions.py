"""Buttons and dialogs that are answered at once: feedback, and an ephemeral answer shared in the channel."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.casebook import Casebook
from app.casefile import Outcome
from app.diagnosis import Diagnosis
from app.slack import blocks as kit
from app.slack.answering import tell
from app.slack.client import Client, Refused
from app.slack.desk import Desk, Press
from app.slack.model import Talk
from app.slack.state import State
from app.slack.voice import EVENT
from app.slack.words import word
from app.slack.work import Errands
from kb.errors import InputError, NotFound
from kb.types import Lang

SOLVED = "white_check_mark"
NONE = "-"  # of the causes offered
OUTCOMES: Mapping[str, Outcome] = {"other_cause": "not_mine", "no_help": "not_mine", "unclear": "other"}
logger = logging.getLogger("casebook")
Body = Mapping[str, Any]


@dataclass
class Actions:
    """What the buttons do. A dialog must be opened within 3 s of the press, so nothing here waits in the queue."""

    casebook: Casebook
    client: Client
    state: State
    desk: Desk
    errands: Errands

    def fixed(self, body: Body) -> None:
        """ "This fixed it": kept at once where there is one cause, else asked which."""
        found = self._case(body)
        if found is None:
            return
        press, talk, diagnosis = found
        about = _about(press, talk)
        if diagnosis.verdict == "ambiguous" and len(diagnosis.causes) > 1:
            self._open(press, kit.which_dialog(diagnosis, about))
        else:
            self._feedback(about, press.user, talk, "fixed", None, None)

    def not_mine(self, body: Body) -> None:
        """ "Not my problem": asks why."""
        found = self._case(body)
        if found is not None:
            press, talk, diagnosis = found
            self._open(press, kit.why_dialog(diagnosis.language, _about(press, talk)))

    def why(self, body: Body) -> None:
        """The dialog's answer."""
        about, user, talk = self._dialog(body)
        if talk is None:
            return
        reason = _chosen(body, "reason")
        note = _state(body, "note").get("value") or ""
        self._feedback(about, user, talk, OUTCOMES.get(reason, "other"), None, f"{reason}: {note}".strip(": "))

    def which(self, body: Body) -> None:
        """The dialog's answer."""
        about, user, talk = self._dialog(body)
        if talk is None:
            return
        incident = _chosen(body, "which")
        if incident == NONE:
            self._feedback(about, user, talk, "other", None, "fixed, by none of the causes shown")
        else:
            self._feedback(about, user, talk, "fixed", incident, None)

    def share(self, body: Body) -> None:
        """Posts the ephemeral answer in the channel, where its thread continues the case."""
        found = self._case(body)
        if found is None:
            return
        press, talk, diagnosis = found
        key = f"share:{press.channel}:{diagnosis.case}"[:200]
        if self.state.once(press.job(key, "person", self.desk.team)):
            self.errands.add(partial(self._share, press, talk, diagnosis))

    def _share(self, press: Press, talk: Talk, diagnosis: Diagnosis) -> None:
        by = kit.context(word("shared", diagnosis.language, who=f"<@{press.user}>"))
        whole, text = [by, *kit.answer(diagnosis)], kit.headline(diagnosis)
        mark = {"event_type": EVENT, "event_payload": {"key": f"share:{diagnosis.case}"}}
        try:
            posted = self.client.call(
                "chat.postMessage", channel=press.channel, text=text, blocks=whole, metadata=mark, unfurl_links=False
            )
        except Refused:  # the bot is not in the channel: the button's own address may post there, without a thread
            body = {"response_type": "in_channel", "replace_original": False, "text": text, "blocks": whole}
            self.client.respond(press.response_url, body)
            return
        place = f"{talk.team}:{press.channel}:{posted['ts']}"
        self.state.keep_talk(Talk(place, talk.case, talk.owner, press.user, talk.language, posted["ts"]))
        done = {"replace_original": True, "response_type": "ephemeral", "text": word("was_shared", diagnosis.language)}
        self.client.respond(press.response_url, done)

    def _case(self, body: Body) -> tuple[Press, Talk, Diagnosis] | None:
        press = self.desk.pressed(body)
        talk = self.state.talk_of_case(press.value["case"]) if press else None
        if press is None or talk is None:
            return None
        try:
            return press, talk, self.casebook.case(talk.case, owner=talk.owner).diagnosis
        except NotFound:
            self._tell(press.channel, press.user, "gone", talk.language, press.thread)
            return None

    def _dialog(self, body: Body) -> tuple[dict[str, str], str, Talk | None]:
        about: dict[str, str] = json.loads(body["view"]["private_metadata"])
        talk = self.state.talk_of_case(about["case"]) if self.desk.ours(body) else None
        return about, body["user"]["id"], talk

    def _open(self, press: Press, view: kit.Block) -> None:
        self.client.call("views.open", wait=False, trigger_id=press.trigger, view=view)

    def _feedback(
        self, about: Mapping[str, str], user: str, talk: Talk, outcome: Outcome, incident: str | None, note: str | None
    ) -> None:
        try:
            self.casebook.feedback(talk.case, outcome, incident=incident, note=note, owner=talk.owner)
        except InputError as error:
            logger.info("feedback was not kept: %s", error)
            self._tell(about["channel"], user, "gone", talk.language, about["thread"])
            return
        self._tell(about["channel"], user, "thanks", talk.language, about["thread"])
        if outcome == "fixed" and about["thread"]:
            call = partial(self.client.call, "reactions.add", wait=False, name=SOLVED)
            self.errands.add(partial(call, channel=about["channel"], timestamp=about["message"]))

    def _tell(self, channel: str, user: str, key: str, lang: Lang, thread: str) -> None:
        self.errands.add(partial(tell, self.client, channel, user, word(key, lang), thread))


def _about(press: Press, talk: Talk) -> dict[str, str]:
    return {"case": talk.case, "channel": press.channel, "thread": press.thread, "message": press.message}


def _state(body: Body, block: str) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = body["view"]["state"]["values"].get(block, {})
    return next(iter(fields.values()), {})


def _chosen(body: Body, block: str) -> str:
    return str((_state(body, block).get("selected_option") or {}).get("value", ""))
