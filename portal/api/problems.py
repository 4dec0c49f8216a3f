"""Errors for programs: RFC 9457 problem documents, one for everything raised."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from portal.errors import (
    Conflict,
    Fault,
    FieldError,
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

log = logging.getLogger(__name__)

TYPE = "application/problem+json"
RETRY_S = 30
BEARER = 'Bearer realm="SMTP Portal"'
STATUS: dict[type[Fault], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    Missing: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    Mismatch: 422,
    TooMany: 429,
    Unavailable: 503,
}


class Unsupported(Fault):
    """A body of a kind that is not taken (415)."""


STATUS[Unsupported] = 415


def problem(
    status: int,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """`errors` name the fields of the request that are wrong."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if found := [{"field": row.field, "detail": row.detail} for row in errors]:
        document["errors"] = found
    response = Response(json.dumps(document), status, mimetype=TYPE)
    response.headers.update(headers or {})
    return response


def of_fault(fault: Fault) -> Response:
    """What a service raised, with the headers that its status asks for."""
    status = next(STATUS[each] for each in type(fault).__mro__ if each in STATUS)
    headers: dict[str, str] = {}
    if isinstance(fault, Unauthenticated):
        headers["WWW-Authenticate"] = BEARER  # RFC 6750 §3
    if isinstance(fault, TooMany | Unavailable):
        headers["Retry-After"] = str(fault.retry_after_s)
    if isinstance(fault, Conflict):
        headers["Retry-After"] = "1"
    errors = fault.errors if isinstance(fault, Invalid | TooMany) else ()
    return problem(status, fault.sentence, errors=errors, headers=headers)


def answer_errors(api: Blueprint) -> None:
    """Every error of this blueprint's views becomes a problem document."""
    api.register_error_handler(Fault, of_fault)
    api.register_error_handler(HTTPException, _of_http)
    api.register_error_handler(Exception, _unforeseen)
    for trouble in TROUBLE:
        api.register_error_handler(trouble, _of_trouble)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    kept = {name: value for name, value in error.get_headers() if name == "Allow"}
    detail = "The request is too large." if status == 413 else error.description
    return problem(status, detail or HTTPStatus(status).phrase, headers=kept)


def _of_trouble(error: Exception) -> Response:
    log.error("the database failed at %s: %s", request.endpoint, error)
    return problem(
        503,
        "The database cannot be reached now. Accepted mail is safe.",
        headers={"Retry-After": str(RETRY_S)},
    )


def _unforeseen(error: Exception) -> Response:
    log.exception("a request failed: %s %s", request.method, request.endpoint)
    return problem(500, "Something in the portal failed; it is written to the log.")
