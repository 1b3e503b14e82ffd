"""The chat page: where its parts stand and what happens at each click. The one seam to gradio."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import gradio as gr
from fastapi import FastAPI

from app.casebook import Casebook
from app.casefile import Outcome
from app.settings import Settings
from app.web.conversation import Desk, Session
from app.web.markup import render
from app.web.panels import case_panel, follow_up, texts, welcome
from app.web.texts import tell
from app.web.uploads import FILE_TYPES, uploaded
from app.web.visitors import owner_of
from kb.errors import CasebookError
from kb.evidence import Input
from kb.llm.stop import Stop
from kb.types import Lang

STATIC = Path(__file__).with_name("static")
KEPT_SECONDS = 3600  # of an idle tab's state and of uploaded files
PASTE_AS_FILE = 6000  # characters from which the box shows a paste as an attachment
AT_ONCE = 16  # turns worked on at the same time
_ON_FOLLOW = (STATIC / "follow_up.js").read_text(encoding="utf-8")
_ON_PANEL = (STATIC / "panel.js").read_text(encoding="utf-8")
_HEAD = (
    '<link rel="stylesheet" href="/static/casebook.css"><link rel="icon" href="/static/icon.svg">'
    '<script src="/static/casebook.js" defer></script>'
)
_PLAIN: dict[str, Any] = {"js_on_load": None, "apply_default_css": False}
_SANS = ["system-ui", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono CJK SC", "monospace"]


Sessions = Generator[Session, None, None]


class ChatPage:
    """The page in one interface language."""

    def __init__(self, casebook: Casebook, settings: Settings, lang: Lang) -> None:
        self._casebook, self._settings, self._lang = casebook, settings, lang
        self._stops: dict[str | None, Stop] = {}  # of the turns being worked on, by tab

    def blocks(self) -> gr.Blocks:
        """Its components and events."""
        lang = self._lang
        with gr.Blocks(
            title=tell("title", lang), analytics_enabled=False, fill_width=True, delete_cache=(600, KEPT_SECONDS)
        ) as page:
            gr.HTML(
                render("header.html", here="chat", **texts(lang)),
                elem_id="cb-header",
                **_PLAIN,
            )
            session = gr.State(None, time_to_live=KEPT_SECONDS)
            with gr.Row(elem_id="cb-columns"):
                with gr.Column(scale=7, min_width=320, elem_id="cb-talk"):
                    chat = self._chatbot()
                    follow = gr.HTML(
                        welcome(self._settings, lang), elem_id="cb-follow", **_PLAIN | {"js_on_load": _ON_FOLLOW}
                    )
                    box = self._box()
                    fresh = gr.Button(tell("new_case", lang), size="sm", elem_id="cb-new", variant="secondary")
                with gr.Column(scale=5, min_width=320, elem_id="cb-beside"):
                    gr.HTML(
                        render("reader.html", **texts(lang)),
                        elem_id="cb-reader-block",
                        **_PLAIN,
                    )
                    panel = gr.HTML(
                        case_panel(None, {}, lang), elem_id="cb-panel", js_on_load=_ON_PANEL, apply_default_css=False
                    )
            self._wire(session, chat, follow, box, panel, fresh)
            gr.api(self.chat, api_name="chat", concurrency_limit=AT_ONCE)
        page.queue(default_concurrency_limit=AT_ONCE, api_open=False)
        return page

    def _chatbot(self) -> gr.Chatbot:
        return gr.Chatbot(
            label=tell("conversation", self._lang),
            show_label=False,
            elem_id="cb-chat",
            height=None,
            min_height=160,
            latex_delimiters=[],
            sanitize_html=True,
            allow_tags=False,
            line_breaks=False,
            autoscroll=False,
            buttons=["copy"],
            feedback_options=None,
            group_consecutive_messages=False,
            layout="bubble",
        )

    def _box(self) -> gr.MultimodalTextbox:
        return gr.MultimodalTextbox(
            label=tell("box", self._lang),
            show_label=False,
            info=None,
            placeholder=tell("placeholder", self._lang),
            file_count="multiple",
            file_types=list(FILE_TYPES),
            max_plain_text_length=PASTE_AS_FILE,
            lines=1,
            max_lines=12,
            autofocus=True,
            elem_id="cb-box",
        )

    def _wire(self, session: Any, chat: Any, follow: Any, box: Any, panel: Any, fresh: Any) -> None:
        shown = [session, chat, follow, panel, box]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        running = [
            box.submit(self.ask, [session, box], shown, concurrency_limit=AT_ONCE, **quiet),
            follow.click(self.example, [session], shown, concurrency_limit=AT_ONCE, **quiet),
            follow.select(self.answer, [session], shown, concurrency_limit=AT_ONCE, **quiet),
        ]
        box.stop(self.stopped, [session], shown, cancels=running, **quiet)
        follow.submit(self.feedback, [session], shown, **quiet)
        panel.delete(self.forget, [session], shown, **quiet)
        fresh.click(self.start_anew, None, shown, cancels=running, **quiet)

    # --- events

    def ask(self, session: Session | None, message: Mapping[str, Any], request: gr.Request) -> Iterator[list[Any]]:
        """A sentence, a paste or files were sent."""
        session, text = session or Session(), str(message.get("text") or "")
        try:
            inputs = uploaded(message.get("files") or [], self._lang)
        except CasebookError as error:
            yield self._view(session.said("assistant", f"⚠ {error}"))
            return
        if text.strip():
            inputs.insert(0, Input("text", text))
        if inputs:
            yield from self._turn(request, lambda desk: desk.ask(session, inputs, text))
        else:
            yield self._view(session)

    def example(self, session: Session | None, event: gr.EventData, request: gr.Request) -> Iterator[list[Any]]:
        """An example was chosen."""
        text = str(event._data.get("text") or "")
        if text:
            shown = session or Session()
            yield from self._turn(request, lambda desk: desk.ask(shown, [Input("text", text)], text))

    def answer(self, session: Session | None, event: gr.EventData, request: gr.Request) -> Iterator[list[Any]]:
        """A check was answered by a button."""
        shown, check, value = session or Session(), str(event._data.get("check")), str(event._data.get("value"))
        yield from self._turn(request, lambda desk: desk.answer(shown, check, value))

    def feedback(self, session: Session | None, event: gr.EventData, request: gr.Request) -> list[Any]:
        """Whether it helped."""
        said = event._data
        outcome = said.get("outcome")
        if session is None or outcome not in get_args(Outcome):
            return self._view(session or Session())
        return self._view(self._desk(request).feedback(session, outcome, said.get("incident"), said.get("note")))

    def forget(self, session: Session | None, request: gr.Request) -> list[Any]:
        """The case is to be deleted."""
        return self._view(self._desk(request).forget(session or Session()))

    def stopped(self, session: Session | None, request: gr.Request) -> list[Any]:
        """The stop button."""
        if stop := self._stops.pop(request.session_hash, None):
            stop.set()
        session = session or Session()
        if session.messages and session.messages[-1].role == "assistant":
            session = session.corrected(f"{session.messages[-1].content}\n\n*{tell('stopped', self._lang)}*")
        return self._view(session)

    def start_anew(self, request: gr.Request) -> list[Any]:
        """A new case in the same tab; a turn that is being worked on ends."""
        self.stopped(None, request)
        return self._view(Session())

    def chat(self, text: str, request: gr.Request) -> Iterator[str]:
        """For programs: a question or a paste in, the Markdown answer out, growing."""
        for session in self._desk(request).ask(Session(), [Input("text", text)], text):
            yield session.messages[-1].content

    # --- what is shown

    def _desk(self, request: gr.Request) -> Desk:
        return Desk(self._casebook, self._lang, owner_of(request.headers.get("cookie"), request.session_hash))

    def _turn(self, request: gr.Request, talk: Callable[[Desk], Sessions]) -> Iterator[list[Any]]:
        """Every state of a turn; the panel only when the diagnosis changed, the stop button until the end."""
        before, last, desk = None, None, self._desk(request)
        self._stops[request.session_hash] = desk.stop
        with closing(talk(desk)) as sessions:
            for session in sessions:
                panel = gr.skip() if session.diagnosis is before else self._panel(session)
                before, last = session.diagnosis, session
                yield [session, _messages(session), "", panel, _busy_box()]
        self._stops.pop(request.session_hash, None)
        if last is not None and not desk.stop.is_set:
            yield self._view(last)

    def _view(self, session: Session) -> list[Any]:
        follow = (
            follow_up(session.diagnosis, session.outcome, self._lang)
            if session.messages
            else welcome(self._settings, self._lang)
        )
        return [session, _messages(session), follow, self._panel(session), _ready_box()]

    def _panel(self, session: Session) -> str:
        return case_panel(session.diagnosis, self._casebook.incidents(), self._lang)


def mount_page(app: FastAPI, casebook: Casebook, settings: Settings, lang: Lang) -> None:
    """Put the page of one language under its name, /en or /zh; nothing it needs comes from outside."""
    theme = gr.themes.Base(primary_hue="teal", neutral_hue="slate", radius_size="md", font=_SANS, font_mono=_MONO)
    gr.mount_gradio_app(
        app,
        ChatPage(casebook, settings, lang).blocks(),
        f"/{lang}",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=f"{settings.max_upload_mb}mb",
        theme=theme,
        head=_HEAD,
    )


def _messages(session: Session) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in session.messages]


def _busy_box() -> Any:
    return gr.MultimodalTextbox(value=None, submit_btn=False, stop_btn=True)


def _ready_box() -> Any:
    return gr.MultimodalTextbox(submit_btn=True, stop_btn=False)
