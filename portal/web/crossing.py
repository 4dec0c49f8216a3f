"""No other site acts for the person at the screen: two checks on each change."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import request

from portal.errors import Forbidden
from portal.web import sessions

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
LOOPBACK = ("127.0.0.1", "::1", "localhost")
FIELD, HEADER = "csrf_token", "X-CSRF-Token"
_FOREIGN = "This request did not come from a page of this portal."
_STALE = (
    "This page is older than your session. Load it again, then repeat what you did."
)


def check() -> None:
    """Raises Forbidden. Reads are let through: they change nothing.

    With a base URL, pages answer under its name and on loopback alone: a name that
    somebody else points here (DNS rebinding) shows nothing.
    """
    base_url = sessions.installation().settings.base_url
    ours = urlsplit(base_url or "").netloc or request.host
    if request.host != ours and _hostname() not in LOOPBACK:
        raise Forbidden(f"This portal is at {base_url}.")
    if request.method in SAFE:
        return
    if not _same_site(ours):
        raise Forbidden(_FOREIGN)
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not hmac.compare_digest(given.encode(), sessions.csrf_token().encode()):
        raise Forbidden(_STALE)


def plain_http() -> bool:
    """Whether passwords travel readable, as far as we can know."""
    return not (request.is_secure or sessions.is_https() or _hostname() in LOOPBACK)


def _hostname() -> str | None:
    return urlsplit(f"//{request.host}").hostname


def _same_site(ours: str) -> bool:
    """What the browser says of where the request began.

    Browsers send Sec-Fetch-Site to https and to loopback, and Origin with each
    POST; what sends neither is no browser and has the token to show.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc in (request.host, ours)
