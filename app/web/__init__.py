"""The web page: chat, case panel, incident browser. `mount` puts it on the application that app.api makes."""

from fastapi import FastAPI

from app.access import Access
from app.casebook import Casebook
from app.settings import Settings
from app.web.layout import mount_page
from app.web.pages import Pages
from app.web.review import ReviewPages
from app.web.visitors import Visitors
from kb.types import LANGS


def mount(app: FastAPI, casebook: Casebook, settings: Settings) -> FastAPI:
    """Add /, /en/, /zh/, /incidents, /groups, /cases, /review and /static to an application."""
    pages = Pages(casebook, settings.interface_language, Access(settings).open)
    app.include_router(pages.router())
    app.include_router(ReviewPages(casebook, settings).router())
    app.mount("/static", pages.files(), name="static")
    for lang in LANGS:
        mount_page(app, casebook, settings, lang)
    app.add_middleware(Visitors)
    return app
