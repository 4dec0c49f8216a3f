"""The description of `/send` for machines (OpenAPI 3.1) and for people."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request

from portal import __version__
from portal.api import problems
from portal.api.mails import MailIn
from portal.api.schemas import SCHEMAS
from portal.services.sending import limiting
from portal.services.sending.reading import MOST

api = Blueprint("openapi", __name__)
problems.answer_errors(api)

_JSON = "application/json"
_REF = "#/components/schemas/{model}"
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and request again gives the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "RFC 7240: wait=N (30 s at most) answers with the outcome;"
    " respond-async queues what a rate limit would refuse.",
    "schema": {"type": "string"},
}
# For the page and, in `_POST`, for machines.
LIMITS = (
    f"One key sends {limiting.KEY_LIMIT} mails a minute, and {limiting.BURST} mails an"
    " hour to one recipient (any number where the sandbox takes them).",
    "The platform's default sender takes as many recipients an hour as its operator"
    " has set, of all tenants together. A sender of your own that has reached its pace"
    " refuses nothing: the mail waits.",
    "The quota counts recipients accepted in a month (UTC): each once, no retry and no"
    " replay of an idempotency key.",
    "Beyond a limit the answer is 429; Retry-After says in how many seconds it is worth"
    " another try. With Prefer: respond-async it is 202, and the mail is queued for"
    " later; nothing passes the quota.",
)
FROM = (
    "While the platform's default sender carries the mail (the tenant uses none of its"
    " own, or the platform stands in for one that fails), From is the platform's, and"
    " Reply-To is the mail's reply_to, else its from, else the address of the tenant's"
    " own sender."
)
_POST = " ".join((*LIMITS, FROM))
_RETRY = {
    "Retry-After": {
        "description": "Seconds until it is worth another try.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_LATER = ("409", "429", "503")  # the same request may do later
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
}
_PROBLEMS = {
    "400": "A wrong body or field; `errors` names each.",
    "401": "No key, or one that is unknown or revoked.",
    "403": "The key has not the scope.",
    "404": "There is no such message in this tenant.",
    "409": "A request with this idempotency key still runs.",
    "413": "Too many bytes.",
    "415": "A body of another kind.",
    "422": "The idempotency key came with another request before.",
    "429": "A limit or the quota is used up; see Retry-After.",
    "503": "It cannot be accepted now (no way for it, a full disk, a database that does"
    " not answer); repeat it after Retry-After, with the same idempotency key.",
}


@api.get("/openapi.json")
def document() -> Response:
    return Response(json.dumps(description()), mimetype=_JSON)


@api.get("/docs")
def docs() -> str:
    """From our own files alone: no script and no page of others."""
    return render_template(
        "api/docs.html",
        root=request.host_url.rstrip("/"),
        fields=fields(),
        problems=_PROBLEMS,
        limits=LIMITS,
        platform_from=FROM,
        wide=True,
    )


@cache
def description() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SMTP Portal",
            "version": __version__,
            "description": "Send mail through the tenant's own SMTP relay.",
        },
        "security": [{"key": []}],
        "paths": {
            "/send": {"post": _post(), "get": _list()},
            "/send/{id}": {"get": _read(), "delete": _cancel()},
            "/healthz": {"get": _open("The process answers", "Health")},
            "/readyz": {"get": _open("Ready for mail, or what is not", "Readiness")},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def fields() -> list[tuple[str, str]]:
    """The fields of a mail and what each is, for the page."""
    return [
        (field.alias or name, field.description or "")
        for name, field in MailIn.model_fields.items()
    ]


def _schemas() -> dict[str, Any]:
    mail = MailIn.model_json_schema(ref_template=_REF)
    return {**mail.pop("$defs"), "Mail": mail, **SCHEMAS}


def _post() -> dict[str, Any]:
    mail = {"$ref": "#/components/schemas/Mail"}
    batch = {"type": "array", "items": mail, "minItems": 1, "maxItems": 100}
    one_or_many = _answer("Accepted", "Batch")
    return {
        "operationId": "send",
        "summary": "Accept one mail, or up to 100 in one commit",
        "description": _POST,
        "parameters": [_KEY, _PREFER],
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {"schema": {"oneOf": [mail, batch]}},
                "multipart/form-data": {"schema": {"type": "object"}},
                "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            },
        },
        "responses": {
            "200": {"description": "With Prefer: wait, the outcome.", **one_or_many},
            "202": {"description": "Accepted: it is in the database.", **one_or_many},
            **_refusals("400", "401", "403", "409", "413", "415", "422", "429", "503"),
        },
    }


def _list() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}
    return {
        "operationId": "list",
        "summary": "Messages, newest first",
        "parameters": [
            _query("status", {"type": "string"}),
            _query("to", {"type": "string"}),
            _query("after", {"type": "string"}),
            _query("limit", limit),
        ],
        "responses": {
            "200": {"description": "A page.", **_answer("Page")},
            **_refusals("400", "401", "403"),
        },
    }


def _read() -> dict[str, Any]:
    return _one("read", "One message with what came of it")


def _cancel() -> dict[str, Any]:
    return _one("cancel", "Cancel what is still waiting")


def _one(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_ID],
        "responses": {
            "200": {"description": "The message.", **_answer("Message")},
            **_refusals("401", "403", "404"),
        },
    }


def _open(words: str, schema: str) -> dict[str, Any]:
    return {
        "operationId": schema.lower(),
        "summary": words,
        "security": [],
        "responses": {"200": {"description": words, **_answer(schema)}},
    }


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


def _answer(*names: str) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    return {"content": {_JSON: {"schema": schema}}}


def _refusals(*statuses: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _PROBLEMS[status],
            **({"headers": _RETRY} if status in _LATER else {}),
            "content": {problems.TYPE: {"schema": schema}},
        }
        for status in statuses
    }
