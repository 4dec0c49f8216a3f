"""A value that crosses one redirect: in a cookie, sealed, for this session alone."""

from __future__ import annotations

import base64
import binascii
from typing import TypedDict

from flask import Response, g, request

from portal.crypto.seal import CannotOpen
from portal.services.actor import Actor
from portal.store.vault import Locked
from portal.web import sessions

_LIFETIME_S = 60


class Place(TypedDict):
    """Where a sealed value belongs: it opens nowhere else."""

    tenant: str
    table: str
    column: str
    row: str
    version: int


def put(response: Response, what: str, text: str) -> None:
    """Shown by the page that comes next, if that is within a minute.

    Without the master key nothing is carried: the word is lost, not the deed.
    """
    vault = sessions.installation().vault
    try:
        sealed = vault.seal(text, **_place(what))
    except Locked:
        return
    sessions.set_cookie(
        response,
        f"portal-{what}",
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=_LIFETIME_S,
    )


def take(what: str) -> str | None:
    """What the page before left. `drop` must follow, so that it is shown once."""
    cookie = request.cookies.get(sessions.name(f"portal-{what}"))
    if not cookie:
        return None
    g.setdefault("taken", set()).add(what)
    try:
        sealed = base64.urlsafe_b64decode(cookie)
        return sessions.installation().vault.open(sealed, **_place(what))
    except (Locked, CannotOpen, binascii.Error, ValueError):
        return None


def drop_taken(response: Response) -> Response:
    """After each answer: what was shown is not there a second time."""
    for what in g.get("taken", ()):
        sessions.delete_cookie(response, f"portal-{what}")
    return response


def _place(what: str) -> Place:
    actor: Actor | None = g.get("actor")
    return Place(
        tenant="",
        table="cookie",
        column=what,
        row=str(actor.session_id) if actor else "",
        version=0,
    )
