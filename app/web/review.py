"""The review page: drafts beside their source, and a form to accept, save, merge or reject. Needs no JavaScript.

It stands behind the same log-in, origin and size rules as every page (app/guard.py). What it shows of a source is
escaped by the templates; what it writes goes through the same desk as `casebook review`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.casebook import Casebook
from app.reviewing import open_desk, related
from app.settings import Settings
from app.web.markup import Markup, escape, render
from app.web.panels import texts
from app.web.visitors import LANGUAGE, language_of
from ingest.duplicates import account_of
from ingest.proposals import CHOICES
from ingest.review import Desk, Item
from kb.errors import InputError
from kb.types import Lang

MAX_SOURCE = 60_000  # characters of a source that are shown
SEE_OTHER = 303


class ReviewPages:
    """The routes of the review over one casebook."""

    def __init__(self, casebook: Casebook, settings: Settings) -> None:
        self._casebook, self._settings = casebook, settings

    def router(self) -> APIRouter:
        """/review and a page for each draft."""
        router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
        router.get("/review")(self.waiting)
        router.get("/review/{id}")(self.one)
        router.post("/review/{id}")(self.decide)
        return router

    def waiting(self, request: Request, done: str = "") -> HTMLResponse:
        """The drafts that wait."""
        desk = self._desk()
        return self._page(request, "reviews.html", waiting=desk.waiting(), done=done[:200], into=str(desk.into))

    def one(self, request: Request, id: str) -> HTMLResponse:
        """One draft beside its source."""
        desk = self._desk()
        try:
            item = desk.item(id)
        except InputError as error:
            return self._page(
                request, "reviews.html", 404, waiting=desk.waiting(), done=str(error), into=str(desk.into)
            )
        return self._shown(request, id, item, item.text, (), like=desk.like(item))

    def decide(
        self,
        request: Request,
        id: str,
        action: Annotated[str, Form(max_length=10)],
        text: Annotated[str, Form(max_length=2_000_000)] = "",
        incident: Annotated[str, Form(max_length=100)] = "",
        reviewer: Annotated[str, Form(max_length=60)] = "",
    ) -> Any:
        """Carry out one button; what cannot be done is said beside the draft, with the text as it was typed."""
        try:
            desk = self._desk(reviewer)
            item = desk.item(id)
        except InputError as error:
            return self._page(request, "reviews.html", 404, waiting=[], done=str(error), into="")
        try:
            said = _carry_out(desk, id, action, text, incident.strip())
        except InputError as error:
            desk.save(id, text or item.text)
            return self._shown(request, id, item, text or item.text, str(error).split("; "), 422)
        if said is None:
            return self._shown(request, id, item, desk.item(id).text, desk.findings(id, desk.item(id).text))
        return RedirectResponse(f"/review?done={quote(said)}", SEE_OTHER)

    def _desk(self, reviewer: str = "") -> Desk:
        return open_desk(self._casebook, self._settings, reviewer=reviewer)

    def _shown(
        self,
        request: Request,
        id: str,
        item: Item,
        text: str,
        problems: Sequence[str],
        status: int = 200,
        like: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        relation = self._casebook.relate(account_of(item.draft))
        return self._page(
            request, "review.html", status, id=id, draft=item.draft, text=text, problems=problems, choices=CHOICES,
            relation=relation, kin=list(related(relation)), like=like or {}, source=marked(item),
        )  # fmt: skip

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        lang: Lang = language_of(
            request.query_params.get("lang"), request.cookies.get(LANGUAGE),
            request.headers.get("accept-language"), self._settings.interface_language,
        )  # fmt: skip
        switch = f"?lang={'en' if lang == 'zh' else 'zh'}"
        return HTMLResponse(render(template, switch=switch, here="review", **values, **texts(lang)), status)


def _carry_out(desk: Desk, id: str, action: str, text: str, incident: str) -> str | None:
    """What was done, in a line; None for a text that was only kept. Raises InputError."""
    if action == "save":
        desk.save(id, text)
        return None
    if action == "accept":
        return f"{desk.accept(id, text)}"
    if action == "merge":
        return f"{desk.merge(id, incident)}"
    if action == "reject":
        desk.reject(id)
        return f"{id}: rejected"
    raise InputError(f"{action!r}: not save, accept, merge or reject")


def marked(item: Item) -> Markup:
    """The source's text, escaped, with the spans of every field marked."""
    text = item.draft.text[:MAX_SOURCE]
    spans = sorted(
        {(s.start, min(s.end, len(text)), name) for name, f in item.draft.fields.items() for s in f.spans}
    )  # fmt: skip
    out, at = [], 0
    for start, end, name in spans:
        if at <= start < end:
            out += [escape(text[at:start]), Markup('<mark title="{0}">{1}</mark>').format(name, text[start:end])]
            at = end
    return Markup("").join([*out, escape(text[at:])])
