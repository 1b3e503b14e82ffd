"""Errors of the web interface as RFC 9457 problem documents."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.pool import Busy
from kb.errors import CasebookError, InputError, NotFound, UnavailableError
from kb.types import Frozen

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
_STATUS: tuple[tuple[type[CasebookError], int], ...] = (
    (Busy, 503),
    (NotFound, 404),
    (InputError, 422),
    (UnavailableError, 503),
)


class FieldError(Frozen):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Frozen):
    """RFC 9457; `type` is about:blank, the title is that of the status."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()


class ProblemResponse(JSONResponse):
    """A problem as an answer."""

    media_type = MEDIA_TYPE


def problem(status: int, detail: str, errors: tuple[FieldError, ...] = ()) -> Problem:
    """The problem document of a status."""
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)


def respond(status: int, detail: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """A problem as an answer with its status."""
    return ProblemResponse(problem(status, detail).model_dump(), status, headers)


def of_error(error: Exception) -> Problem:
    """The problem of an exception; of one that is not ours it says nothing."""
    if isinstance(error, TimeoutError):
        return problem(504, "not answered within the time limit of a request (CASEBOOK_REQUEST_SECONDS)")
    if isinstance(error, CasebookError):
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        return problem(status, str(error))
    return problem(500, "a bug in casebook; details in its log")


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _http)
    for kind in (CasebookError, TimeoutError, Exception):
        app.add_exception_handler(kind, _ours)


def _ours(request: Request, error: Exception) -> ProblemResponse:
    found = of_error(error)
    headers = {"retry-after": "2"} if found.status == 503 else None
    return ProblemResponse(found.model_dump(), found.status, headers)


def _http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    return respond(error.status_code, str(error.detail), error.headers)


def _invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[:MAX_ERRORS]
    if any(e["type"] == "json_invalid" for e in found):
        return respond(400, "the body is not valid JSON")
    errors = tuple(FieldError(field=_path(e["loc"]), message=str(e["msg"])) for e in found)
    said = problem(422, f"{errors[0].field}: {errors[0].message}", errors)
    return ProblemResponse(json.loads(said.model_dump_json()), 422)


def _path(location: tuple[Any, ...]) -> str:
    """Where it stands, without where it came from."""
    named = [str(part) for part in location[1:]] or [str(part) for part in location]
    return ".".join(named).encode("utf-8", "replace").decode()[:200]
