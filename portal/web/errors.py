"""The error pages: each says what happened, what is safe, and where to go on."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from portal.errors import (
    Conflict,
    Fault,
    Forbidden,
    Gone,
    Invalid,
    Mismatch,
    Missing,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from portal.store.database import TROUBLE
from portal.web import fragments, notices

RETRY_S = 30
log = logging.getLogger(__name__)

STATUS: dict[type[Fault], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    Missing: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    Invalid: 422,
    Mismatch: 422,
    TooMany: 429,
    Unavailable: 503,
}


HEADINGS = {
    400: "This request cannot be read",
    403: "This is not yours to do",
    404: "There is nothing at this address",
    405: "This address does not take that",
    409: "This is being done already",
    410: "This link has done its work",
    413: "This is more than is taken",
    422: "This was refused",
    429: "That was too much at once",
    500: "Something in the portal failed",
    503: "Not possible now",
}
SENTENCES = {
    404: "It may belong to a tenant you are not in, or somebody deleted it.",
    405: "Go back to the page you came from and use its buttons.",
    413: "A form holds at most 256 KB. Nothing of it was kept.",
    500: "It is written to the log. Nothing of this request was kept; mail that was "
    "accepted is safe.",
}


def answer_fault(fault: Fault) -> Response:
    """For every page: what a service raised, as a page or as a notice."""
    if isinstance(fault, Unauthenticated):
        return to_sign_in()
    status = next(STATUS[each] for each in type(fault).__mro__ if each in STATUS)
    retry = getattr(fault, "retry_after_s", None)
    response = show(status, "" if status == 404 else fault.sentence)
    if retry is not None:
        response.headers["Retry-After"] = str(retry)
    return response


def to_sign_in() -> Response:
    """With the way back to the page that was asked for, if it was a page."""
    asked = request.full_path.rstrip("?") if request.method == "GET" else ""
    partial = fragments.by_htmx() or asked in ("", "/")
    return fragments.go(
        "/sign-in" + ("" if partial else f"?{urlencode({'next': asked})}")
    )


def show(
    status: int,
    sentence: str = "",
    *,
    href: str = "/",
    word: str = "Go to the overview",
) -> Response:
    """To htmx a notice alone: the page stays as it is, with what was typed."""
    heading = HEADINGS.get(status) or HTTPStatus(status).phrase
    sentence = sentence or SENTENCES.get(status, "")
    if fragments.by_htmx():
        notices.say(sentence or f"{heading}.", "failed")
        return make_response(render_template("_notice.html", oob=True), status)
    html = render_template(
        "errors/page.html",
        status=status,
        heading=heading,
        sentence=sentence,
        href=href,
        word=word,
    )
    return make_response(html, status)


def register(app: Flask) -> None:
    """What is no page's own: unknown addresses, methods, bodies, our mistakes."""
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Fault, answer_fault)
    app.register_error_handler(Exception, _answer_unforeseen)
    for trouble in TROUBLE:
        app.register_error_handler(trouble, _answer_trouble)


def _answer_http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return make_response(error.get_response())  # a redirect of the router
    response = show(error.code)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers["Allow"] = value
    return response


def _answer_trouble(error: Exception) -> Response:
    """The caller did nothing wrong: later it works."""
    log.error("the database failed at %s: %s", request.endpoint, error)
    response = show(503, "The database cannot be reached now. Accepted mail is safe.")
    response.headers["Retry-After"] = str(RETRY_S)
    return response


def _answer_unforeseen(error: Exception) -> Response:
    log.exception("a page failed: %s %s", request.method, request.endpoint)
    return show(500)
