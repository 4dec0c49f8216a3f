"""Who calls: a bearer key, and the installation that it belongs to."""

from __future__ import annotations

from flask import current_app, request

from portal.errors import Unauthenticated
from portal.services import keys
from portal.services.actor import Actor
from portal.services.installation import Installation


def installation() -> Installation:
    made: Installation = current_app.extensions["portal"]
    return made


def caller() -> Actor:
    """Raises Unauthenticated."""
    token = bearer()
    if token is None:
        raise Unauthenticated("Send the API key as “Authorization: Bearer KEY”.")
    return keys.authenticate(installation(), token, request.remote_addr)


def bearer() -> str | None:
    """The token of RFC 6750 §2.1; the scheme's name in any case."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
