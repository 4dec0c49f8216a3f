"""POST, GET and DELETE /send: accept mail, say what became of it, cancel it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import MethodNotAllowed, NotFound

from portal.api import bodies, problems
from portal.api.access import caller
from portal.api.mails import draft_of
from portal.api.preferring import Preferences, preferences
from portal.errors import Invalid
from portal.mail.types import Draft
from portal.services import sending
from portal.services.actor import Actor
from portal.services.sending import (
    Filter,
    Idempotency,
    MessageView,
    Replay,
    message_json,
)

api = Blueprint("send", __name__)
problems.answer_errors(api)

WAITING = BoundedSemaphore(16)  # half the threads of the server
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FILTERS = ("status", "to", "after", "limit")


@api.before_request
def _open_wide() -> None:
    bodies.open_wide(request)


@api.post("/send")
def accept() -> Response:
    actor = caller()
    asked = preferences(request.headers.getlist("Prefer"))
    document = bodies.read(request)
    batch = isinstance(document, list)
    drafts = _drafts(document) if batch else [draft_of(document)]
    accepted = sending.accept(
        actor,
        drafts,
        idempotency=_idempotency(document, batch=batch),
        patient=asked.respond_async,
        batch=batch,
    )
    if accepted.replay is not None:
        return _replayed(accepted.replay, batch=batch)
    return _answer(actor, accepted.messages, asked, batch=batch)


@api.get("/send")
def find() -> Response:
    actor = caller()
    for name in request.args:
        if name not in _FILTERS:
            raise Invalid(name, f"There is no such filter; take {', '.join(_FILTERS)}.")
    page = sending.find(
        actor,
        Filter(
            status=request.args.get("status"),
            to=request.args.get("to"),
            after=request.args.get("after"),
            limit=_limit(request.args.get("limit")),
        ),
    )
    shown = [message_json(row) for row in page.messages]
    return _json({"messages": shown, "next": page.next})


@api.get("/send/<message_id>")
def read(message_id: str) -> Response:
    return _json(message_json(sending.read(caller(), message_id), whole=True))


@api.delete("/send/<message_id>")
def cancel(message_id: str) -> Response:
    return _json(message_json(sending.cancel(caller(), message_id), whole=True))


@api.route("/send", methods=["PUT", "PATCH", "DELETE"])
def _not_here() -> Response:
    raise MethodNotAllowed(["GET", "POST"])


@api.route("/send/<message_id>", methods=["POST", "PUT", "PATCH"])
def _not_of_one(message_id: str) -> Response:
    raise MethodNotAllowed(["GET", "DELETE"])


@api.route("/send/<path:rest>")
def _nothing(rest: str) -> Response:
    raise NotFound


def _drafts(documents: Sequence[Any]) -> list[Draft]:
    return [draft_of(each, f"[{number}]") for number, each in enumerate(documents)]


def _idempotency(document: Any, *, batch: bool) -> Idempotency | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key", "1 to 255 visible ASCII characters.")

    def answer(messages: Sequence[MessageView]) -> tuple[int, str]:
        return 202, json.dumps(_shape(messages, batch=batch))

    return Idempotency(key=key, fingerprint=bodies.fingerprint(document), answer=answer)


def _answer(
    actor: Actor, messages: Sequence[MessageView], asked: Preferences, *, batch: bool
) -> Response:
    """202, or what came of it where the caller waits and it came in time."""
    status, waited = 202, False
    if asked.wait_s and WAITING.acquire(blocking=False):
        try:
            ids = [row.id for row in messages]
            status, waited = (
                200 if sending.wait_for(actor, ids, asked.wait_s) else 202,
                True,
            )
            messages = [sending.read_back(actor, key) for key in ids]
        finally:
            WAITING.release()
    response = _json(_shape(messages, batch=batch, whole=waited), status)
    if not batch:
        response.headers["Location"] = _place(messages[0].id)
    if applied := asked.applied(waited=waited):
        response.headers["Preference-Applied"] = applied
    return response


def _replayed(replay: Replay, *, batch: bool) -> Response:
    """The first answer, byte for byte."""
    response = Response(replay.body, replay.status, mimetype="application/json")
    response.headers["Idempotent-Replayed"] = "true"
    if not batch:
        response.headers["Location"] = _place(json.loads(replay.body)["id"])
    return response


def _shape(
    messages: Sequence[MessageView], *, batch: bool, whole: bool = False
) -> dict[str, Any]:
    shown = [message_json(row, whole=whole) for row in messages]
    return {"messages": shown} if batch else shown[0]


def _place(message_id: str) -> str:
    return url_for("send.read", message_id=message_id)


def _limit(text: str | None) -> int:
    if text is None:
        return Filter().limit
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise Invalid("limit", "A whole number.")
    return int(text)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")
