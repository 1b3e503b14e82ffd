"""From a job to its answer: the case's turn, said in the thread or to the asker alone."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from app.casebook import Casebook
from app.diagnosis import Diagnosis, DiagnosisReady, Done, GivenAnswer, Request, SentenceReady
from app.slack import blocks as kit
from app.slack.client import Client, Refused, SlackError, Stopped
from app.slack.events import language_of, moment
from app.slack.material import Material, Reader
from app.slack.model import Job, Me, Progress, Talk, Value
from app.slack.mrkdwn import escape
from app.slack.plot import picture
from app.slack.state import State
from app.slack.summary import summary
from app.slack.voice import OUTSIDE, OutsideVoice, PrivateVoice, Streams, ThreadVoice, Voice, final
from app.slack.words import word
from app.slack.work import Again, Errands
from kb.errors import InputError, NotFound, UnavailableError
from kb.types import Lang

MAX_TRIES, AGAIN_AFTER = 4, 20.0  # seconds, times the tries so far
CHANGED_BY = 0.15  # of a probability, for a reply in the thread to be worth a new answer
SHORT_ANSWERS: Mapping[str, Value] = {
    **dict.fromkeys(("yes", "y", "yep", "是", "是的", "对", "有"), "yes"),
    **dict.fromkeys(("no", "n", "nope", "否", "不是", "没有"), "no"),
    **dict.fromkeys(("can't tell", "don't know", "unknown", "不知道", "无法判断"), "unknown"),
}
WORKING = "eyes"  # the reaction to a question under way
logger = logging.getLogger("casebook")


@dataclass
class Answering:
    """Answers jobs. Safe for threads; jobs of one conversation must come one after the other."""

    casebook: Casebook
    client: Client
    state: State
    reader: Reader
    me: Me
    errands: Errands
    helpers: Sequence[str] = ()
    default_language: Lang = "en"
    streams: Streams = field(default_factory=Streams)

    def handle(self, job: Job) -> None:
        """Answer a job and mark it done. Raises Again; Stopped leaves it for the next start."""
        progress = self.state.begin(job.key)
        if progress.stage == "done":
            return
        try:
            self._answer(job, progress)
        except Stopped:
            return
        except Exception as error:
            if progress.tries < MAX_TRIES and isinstance(error, UnavailableError):
                logger.warning("a question has to wait: %s", error)
                raise Again(AGAIN_AFTER * progress.tries) from error
            logger.exception("a question got no answer")
            self._give_up(job, progress)
        self.state.done(job.key)
        if job.kind == "question" and job.thread:
            self.errands.add(lambda: self._unmark(job))

    def _answer(self, job: Job, progress: Progress) -> None:
        voice = self._voice(job, progress)
        if job.kind == "person":
            self._person(job, voice)
            return
        talk = self._talk(job)
        if progress.turn and talk and (saved := self._saved(talk)):  # of a try before a restart
            self._finish(job, voice, saved)
            return
        try:
            self._turn(job, voice, talk, progress)
        except NotFound:
            if job.kind == "check":
                self._say(job, voice, word("gone", self._lang(job, talk)))
            else:  # the case has expired
                self._turn(job, voice, None, progress)
        except InputError as error:
            if job.kind == "reply":  # nobody asked
                return
            self._say(job, voice, word("refused", self._lang(job, talk), reason=escape(str(error))[:500]))

    def _turn(self, job: Job, voice: Voice, talk: Talk | None, progress: Progress) -> None:
        lang = self._lang(job, talk)
        material = Material(read_to=job.ts) if job.kind == "check" else self.reader.gather(job, talk, lang)
        self._warn(job, material, lang)
        if not material.inputs and job.kind == "reply":
            return
        if not material.inputs and job.kind != "check":
            lines = [word("help", lang), *(f"{word('not_read', lang)}: {escape(line)}" for line in material.unread)]
            self._say(job, voice, "\n".join(lines))
            return
        before = self._saved(talk) if talk else None
        owner = talk.owner if talk else f"slack:{job.place}"
        answers = given_answers(job, before)
        request = Request(case=talk.case if talk else None, answers=answers)
        events = self.casebook.stream(material.inputs, request, default_language=self.default_language, owner=owner)
        with closing(events):
            for event in events:
                if isinstance(event, DiagnosisReady):
                    self._record(job, event.diagnosis, talk, owner, material.read_to)
                    if job.kind == "reply" and before and not answers and not changed(before, event.diagnosis):
                        return
                elif isinstance(event, SentenceReady):
                    voice.piece(event.text)
                elif isinstance(event, Done):
                    self._finish(job, voice, event.diagnosis, material.unread)
                    self._after(job, before, event.diagnosis)

    def _record(self, job: Job, diagnosis: Diagnosis, talk: Talk | None, owner: str, read_to: str) -> None:
        place, asker = (talk.place, talk.asker) if talk else (job.place, job.user)
        latest = max(read_to, talk.read_to, key=moment) if talk else read_to
        self.state.keep_talk(Talk(place, diagnosis.case, owner, asker, diagnosis.language, latest))
        self.state.note(job.key, case=diagnosis.case, turn=1)

    def _finish(self, job: Job, voice: Voice, diagnosis: Diagnosis, unread: Sequence[str] = ()) -> None:
        whole, text, ending = final(diagnosis, private=job.private)
        if unread:
            note = kit.context(f"{word('not_read', diagnosis.language)}: {escape('; '.join(unread))}"[:2900])
            whole, ending = [*whole, note], [*ending, note]
        self._deliver(job, voice, whole, text, ending, diagnosis.language)

    def _deliver(
        self,
        job: Job,
        voice: Voice,
        whole: Sequence[kit.Block],
        text: str,
        ending: Sequence[kit.Block],
        lang: Lang,
    ) -> None:
        try:
            voice.finish(whole, text, ending)
        except Refused as refused:
            if refused.error not in OUTSIDE or job.private:
                raise
            OutsideVoice(self.client, self.me, job, lang).finish(whole, text)

    def _say(self, job: Job, voice: Voice, text: str) -> None:
        self._deliver(job, voice, [kit.section(text[: kit.MAX_TEXT])], text[:300], (), language_of(text))

    def _after(self, job: Job, before: Diagnosis | None, diagnosis: Diagnosis) -> None:
        """What may fail without harm: the picture, and the buttons of the answer before."""
        if job.private:
            return
        if before is not None and job.kind == "check":
            self.errands.add(lambda: self._close(job, before))
        if job.kind != "check" and (png := picture(diagnosis.evidence.metrics)):
            name = f"{word('metrics', diagnosis.language)}.png"
            self.errands.add(lambda: self.client.upload(name, png, job.channel, job.thread))

    def _close(self, job: Job, before: Diagnosis) -> None:
        """Take the buttons from the answer whose check was answered, and say by whom."""
        answers = self.state.answers(job.place)
        earlier = [ts for ts in answers if moment(ts) <= moment(job.message)]
        if not earlier or max(earlier, key=moment) != job.message:
            return
        lang = before.language
        note = kit.context(word("answered", lang, who=f"<@{job.user}>", value=word(job.value, lang)))
        whole = [*kit.answer(before, buttons=False), note]
        self.client.call("chat.update", channel=job.channel, ts=job.message, text=kit.headline(before), blocks=whole)

    def _person(self, job: Job, voice: Voice) -> None:
        talk = self.state.talk_of_case(job.case)
        lang: Lang = talk.language if talk else self.default_language
        if not self.helpers:
            self._say(job, voice, word("nobody", lang))
            return
        saved = None
        try:
            saved = self.casebook.case(job.case, owner=talk.owner) if talk else None
        except NotFound:
            logger.info("a person is asked about a case that has expired")
        text = summary(saved, job.user, self.helpers, lang)
        if not job.private:
            self._deliver(job, voice, [kit.section(text)], text[:300], (), lang)
            return
        for helper in self.helpers:
            if helper.startswith(("U", "W")):
                self.client.call("chat.postMessage", channel=helper, text=text, blocks=[kit.section(text)])
        self._say(job, voice, word("pinged_done", lang, people=", ".join(f"<@{h}>" for h in self.helpers)))

    def _warn(self, job: Job, material: Material, lang: Lang) -> None:
        """Tell everybody privately who has shown a secret."""
        for who, count in material.leaks.items():
            text = word("rotate", lang, count=count)
            self.errands.add(partial(tell, self.client, job.channel, who, text, job.thread))

    def _give_up(self, job: Job, progress: Progress) -> None:
        if job.kind == "reply":
            return
        try:
            self._say(job, self._voice(job, progress), word("bug", self._lang(job, None)))
        except SlackError as error:
            logger.error("nor could that be said: %s", error)

    def _voice(self, job: Job, progress: Progress) -> Voice:
        if job.private:
            return PrivateVoice(self.client, self.me, job)
        lang = language_of(job.text)
        return ThreadVoice(self.client, self.state, self.me, job, progress, self.streams, lang)

    def _talk(self, job: Job) -> Talk | None:
        return self.state.talk_of_case(job.case) if job.kind == "check" else self.state.talk(job.place)

    def _saved(self, talk: Talk) -> Diagnosis | None:
        try:
            return self.casebook.case(talk.case, owner=talk.owner).diagnosis
        except (NotFound, UnavailableError):
            return None

    def _lang(self, job: Job, talk: Talk | None) -> Lang:
        return talk.language if talk and job.kind != "question" else language_of(job.text)

    def _unmark(self, job: Job) -> None:
        self.client.call("reactions.remove", wait=False, channel=job.channel, timestamp=job.ts, name=WORKING)


def given_answers(job: Job, before: Diagnosis | None) -> tuple[GivenAnswer, ...]:
    """The answer of a button, or that of a short reply to the first check that was asked."""
    if job.kind == "check":
        return (GivenAnswer(check=job.check, value=job.value),)
    value = SHORT_ANSWERS.get(job.text.strip(" .!。！").lower())
    if value is None or before is None or not before.next_checks:
        return ()
    return (GivenAnswer(check=before.next_checks[0].id, value=value),)


def changed(before: Diagnosis, after: Diagnosis) -> bool:
    """Whether a further message has moved the ranking enough to speak up."""
    was, now = ({c.incident: c.confidence for c in d.causes} for d in (before, after))
    if before.verdict != after.verdict or [*was][:1] != [*now][:1]:
        return True
    return any(abs(was.get(name, 0.0) - now.get(name, 0.0)) >= CHANGED_BY for name in was | now)


def tell(client: Client, channel: str, user: str, text: str, thread: str = "") -> None:
    """Tell one person, in the channel where only they see it, else directly. Raises SlackError."""
    try:
        client.call("chat.postEphemeral", channel=channel, user=user, text=text, thread_ts=thread or None)
    except Refused:
        client.call("chat.postMessage", channel=user, text=text)
