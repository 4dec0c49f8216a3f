"""Is the process there, is it ready for mail, and how much of it waits."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator

from flask import Blueprint, Response

from portal.api import problems
from portal.api.access import bearer, installation
from portal.errors import Missing, Unauthenticated
from portal.services.outbox.gauges import Gauges, gauges
from portal.store.database import DAMAGE, TROUBLE, pending
from portal.store.models import proxy

api = Blueprint("health", __name__)
problems.answer_errors(api)

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@api.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return _json({"status": "ok"})


@api.get("/readyz")
def readyz() -> Response:
    """Database, engine and key; 503 names what is not ready."""
    checks = {"database": _database(), "engine": _engine(), "key": _key()}
    ready = all(state in ("ok", "elsewhere") for state in checks.values())
    document = {"status": "ready" if ready else "not ready", "checks": checks}
    return _json(document, 200 if ready else 503)


@api.get("/metrics")
def metrics() -> Response:
    """Prometheus text, for who has the operator's token; without one, nothing."""
    token = installation().settings.metrics_token
    if token is None:
        raise Missing("There is nothing at this address.")
    given = bearer() or ""
    if not hmac.compare_digest(given.encode(), token.reveal().encode()):
        raise Unauthenticated("Send the token as “Authorization: Bearer TOKEN”.")
    text = "".join(f"{line}\n" for line in _exposition(gauges()))
    return Response(text, content_type=_TEXT)


def _database() -> str:
    try:
        if pending(proxy.obj):
            return "not migrated"
    except TROUBLE:
        return "unreachable"
    except DAMAGE:
        return "damaged"
    return "ok" if installation().room.accepts() else "no room"


def _engine() -> str:
    """An engine of another process is that process's own matter."""
    well = installation().bell.hears()
    return "elsewhere" if well is None else "ok" if well else "not running"


def _key() -> str:
    return "locked" if installation().vault.locked else "ok"


def _exposition(now: Gauges) -> Iterator[str]:
    yield "# HELP portal_recipients Recipients by state."
    yield "# TYPE portal_recipients gauge"
    for state, count in (now.waiting | now.settled).items():
        yield f'portal_recipients{{state="{state}"}} {count}'
    yield "# HELP portal_attempts_total Attempts by their outcome."
    yield "# TYPE portal_attempts_total counter"
    for outcome, count in sorted(now.outcomes.items()):
        yield f'portal_attempts_total{{outcome="{outcome}"}} {count}'
    yield "# HELP portal_oldest_due_seconds How long the longest due mail waits."
    yield "# TYPE portal_oldest_due_seconds gauge"
    yield f"portal_oldest_due_seconds {now.oldest_s:.3f}"


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")
