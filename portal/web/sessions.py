"""The cookies: one names the session in the database, one a form of a stranger."""

from __future__ import annotations

import secrets

from flask import Response, current_app, g, request

from portal.services import accounts
from portal.services.accounts import SignedIn
from portal.services.installation import Installation

SESSION, FORM = "portal", "portal-form"
_FORM_BYTES = 24


def installation() -> Installation:
    made: Installation = current_app.extensions["portal"]
    return made


def resume() -> None:
    """Before each page: who is it, and which token must its forms carry."""
    token = request.cookies.get(name(SESSION))
    g.signed_in = (
        accounts.resume(installation(), token, request.remote_addr) if token else None
    )
    g.actor = g.signed_in.actor if g.signed_in else None


def csrf_token() -> str:
    """The token of the session; for a stranger, one that a cookie repeats."""
    found: SignedIn | None = g.get("signed_in")
    if found:
        return found.csrf
    kept: str | None = request.cookies.get(name(FORM)) or g.get("form_token")
    if kept is None:
        g.form_token = kept = secrets.token_urlsafe(_FORM_BYTES)
    return kept


def keep_form_token(response: Response) -> Response:
    """After a page with a form for strangers: its token goes into a cookie."""
    if token := g.get("form_token"):
        set_cookie(response, FORM, token)
    return response


def begin(response: Response, token: str) -> Response:
    set_cookie(response, SESSION, token)
    return response


def end(response: Response) -> Response:
    for each in (SESSION, FORM):
        delete_cookie(response, each)
    return response


def name(cookie: str) -> str:
    """`__Host-` binds a cookie to this host and to https; over http there is
    no such thing."""
    return f"__Host-{cookie}" if is_https() else cookie


def set_cookie(
    response: Response, cookie: str, value: str, *, max_age: int | None = None
) -> None:
    """Without `max_age` it ends with the browser, and in the database before that."""
    response.set_cookie(
        name(cookie),
        value,
        max_age=max_age,
        path="/",
        secure=is_https(),
        httponly=True,
        samesite="Lax",
    )


def delete_cookie(response: Response, cookie: str) -> None:
    response.delete_cookie(name(cookie), secure=is_https(), httponly=True)


def is_https() -> bool:
    """By the base URL; a proxy may have taken the encryption off."""
    base_url = installation().settings.base_url
    return base_url is not None and base_url.startswith("https://")
