"""The incident browser and saved cases: plain pages with permanent links, readable without JavaScript."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from app.casebook import Casebook
from app.gaps import find_gaps
from app.web import browse
from app.web.export import as_markdown
from app.web.markup import linked, render
from app.web.panels import case_panel, cited, texts
from app.web.visitors import LANGUAGE, language_of, owner_of
from kb.errors import CasebookError, InputError
from kb.types import SECTIONS, Incident, Lang
from kb.writeups import HEADINGS

STATIC = Path(__file__).with_name("static")


class Pages:
    """The routes of the browser over one casebook."""

    def __init__(self, casebook: Casebook, default: Lang, alone: bool) -> None:
        """`alone`: nobody logs in, so that all cases are those of this machine's user."""
        self._casebook, self._default, self._alone = casebook, default, alone

    def router(self) -> APIRouter:
        """Its routes; /static must be mounted beside it."""
        router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
        router.get("/")(self.start)
        router.get("/favicon.ico")(lambda: FileResponse(STATIC / "icon.svg", media_type="image/svg+xml"))
        router.get("/incidents")(self.incidents)
        router.get("/incidents/{id}")(self.incident)
        router.get("/groups")(self.groups)
        router.get("/groups/{id}")(self.group)
        router.get("/gaps")(self.gaps)
        router.get("/cases/{id}")(self.case)
        router.get("/cases/{id}/markdown")(self.case_markdown)
        return router

    @staticmethod
    def files() -> StaticFiles:
        """Styles and scripts."""
        return StaticFiles(directory=STATIC)

    def start(self, request: Request) -> RedirectResponse:
        """The chat page in the visitor's language."""
        return RedirectResponse(
            f"/{self._lang(request)}/", status_code=307, headers={"vary": "Accept-Language, Cookie"}
        )

    def incidents(
        self,
        request: Request,
        q: str = Query("", max_length=400),
        area: str = Query("", max_length=80),
        component: str = Query("", max_length=80),
        group: str = Query("", max_length=80),
        version: str = Query("", max_length=80),
        page: int = Query(1, ge=1, le=1000),
    ) -> HTMLResponse:
        """Search and filters."""
        lang, wanted = self._lang(request), browse.Filter(q.strip(), area, component, group, version.strip())
        known = self._casebook.incidents()
        candidates = [i for i, _ in self._casebook.search(wanted.q)] if wanted.q else sorted(
            known.values(), key=lambda i: (i.area, i.id)
        )  # fmt: skip
        found = browse.fitting(candidates, wanted)
        pages = max(1, -(-len(found) // browse.PAGE))
        page = min(page, pages)
        return self._page(
            request,
            "incidents.html",
            wanted=wanted,
            remark=browse.remark(wanted, lang),
            choices=browse.choices(known, self._casebook.groups(), lang),
            found=found[(page - 1) * browse.PAGE : page * browse.PAGE],
            count=len(found),
            page=page,
            pages=pages,
            address=lambda number: str(request.url.include_query_params(page=number).query),
        )

    def incident(self, request: Request, id: str, part: bool = False) -> HTMLResponse:
        """One incident; `part` leaves the frame out, to be shown beside an answer."""
        try:
            found = self._casebook.incident(id)
        except InputError:
            return self._missing(request, "not_found_more")
        lang = self._lang(request)
        targets = {s.n: f"#source-{s.n}" for s in found.sources}
        groups = self._casebook.groups()
        known = self._casebook.incidents()
        return self._page(
            request,
            "incident_part.html" if part else "incident.html",
            incident=found,
            title=found.title.get(lang),
            sections=[(heading, linked(text, targets)) for heading, text in _sections(found, lang)],
            sources=[(s.n, s) for s in found.sources],
            outcomes=self._casebook.outcomes().get(id, {}),
            groups=[groups[g] for g in found.symptom_groups if g in groups],
            rivals=[known[r] for r in found.rivals if r in known],
        )

    def groups(self, request: Request) -> HTMLResponse:
        """All symptoms with several causes."""
        lang, known = self._lang(request), self._casebook.incidents()
        listed = sorted(self._casebook.groups().values(), key=lambda g: g.title.get(lang))
        return self._page(request, "groups.html", groups=[(g, len(browse.rivals(g, known))) for g in listed])

    def group(self, request: Request, id: str) -> HTMLResponse:
        """One symptom: its rivals, the checks, and how each stands to each."""
        groups, known = self._casebook.groups(), self._casebook.incidents()
        if id not in groups:
            return self._missing(request, "not_found_more")
        members = browse.rivals(groups[id], known)
        return self._page(
            request,
            "group.html",
            group=groups[id],
            title=groups[id].title.get(self._lang(request)),
            rows=browse.rows(groups[id], members),
            known=known,
        )

    def gaps(self, request: Request) -> HTMLResponse:
        """What to write next. Others' questions stand here: only where nobody logs in, on one's own machine."""
        return self._page(request, "gaps.html", gaps=find_gaps(self._casebook)) if self._alone else self._missing(
            request, "not_found_more"
        )  # fmt: skip

    def case(self, request: Request, id: str) -> HTMLResponse:
        """A saved case, for the browser that made it."""
        try:
            saved = self._casebook.case(id, owner=self._owner(request))
        except CasebookError:
            return self._missing(request, "case_unknown")
        lang, known = self._lang(request), self._casebook.incidents()
        answers = [cited(turn.diagnosis.answer, turn.diagnosis, known) for turn in saved.turns]
        return self._page(
            request,
            "saved_case.html",
            saved=saved,
            answers=answers,
            panel=case_panel(saved.diagnosis, known, lang),
        )

    def case_markdown(self, request: Request, id: str) -> HTMLResponse:
        """A saved case as Markdown text."""
        try:
            saved = self._casebook.case(id, owner=self._owner(request))
        except CasebookError:
            return self._missing(request, "case_unknown")
        text = as_markdown(saved.diagnosis, self._lang(request))
        return HTMLResponse(text, media_type="text/markdown; charset=utf-8")

    def _lang(self, request: Request) -> Lang:
        return language_of(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE),
            request.headers.get("accept-language"),
            self._default,
        )

    def _owner(self, request: Request) -> str:
        return owner_of(request.headers.get("cookie"), None)

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        lang = self._lang(request)
        other = "en" if lang == "zh" else "zh"
        switch = f"?{request.url.include_query_params(lang=other).query}"
        here = request.url.path.split("/")[1]
        return HTMLResponse(render(template, switch=switch, here=here, **values, **texts(lang)), status)

    def _missing(self, request: Request, why: str) -> HTMLResponse:
        return self._page(request, "missing.html", 404, why=why)


def _sections(incident: Incident, lang: Lang) -> list[tuple[str, str]]:
    """Heading and Markdown of every section, in the language there is."""
    sections: Mapping[str, str] = incident.sections(lang).model_dump()
    language: Lang = lang if lang in incident.text else next(iter(incident.text))
    return [(h, sections[n]) for n, h in zip(SECTIONS, HEADINGS[language], strict=True) if sections[n]]
