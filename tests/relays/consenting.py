"""The page of a token server where a person says yes or no (RFC 6749 §4.1)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.relays.granting import Code

if TYPE_CHECKING:
    from tests.relays.tokens import TokenServer

_KEPT = ("client_id", "redirect_uri", "scope", "state", "code_challenge")


def answer(
    server: TokenServer, method: str, fields: Mapping[str, str]
) -> tuple[int, str, str | None]:
    """Status, page, and where the browser goes next."""
    if fault := _fault(server, fields):
        # RFC 6749 §4.1.2.1: a wrong client or address is told here, never there.
        return 400, f"<h1>Sorry</h1><p>{escape(fault)}</p>", None
    if method == "GET":
        return 200, _form(server, fields), None
    if fields.get("decision") != "allow":
        denied = "AADSTS65004: The resource owner or authorization server denied."
        back = {"error": "access_denied", "error_description": denied}
        return 302, "", _back(fields, back)
    code = secrets.token_urlsafe(16)
    server.codes[code] = Code(
        redirect_uri=fields["redirect_uri"],
        challenge=fields["code_challenge"],
        scope=fields.get("scope", ""),
        user=server.user,
    )
    return 302, "", _back(fields, {"code": code})


def _fault(server: TokenServer, fields: Mapping[str, str]) -> str | None:
    redirect = fields.get("redirect_uri", "")
    if fields.get("client_id") != server.client_id:
        return "AADSTS700016: The application was not found."
    if not redirect or (server.redirect_uris and redirect not in server.redirect_uris):
        return f"AADSTS50011: The redirect URI '{redirect}' is not registered."
    if fields.get("response_type", "code") != "code":
        return "AADSTS700054: response_type must be code."
    if not fields.get("code_challenge"):
        return "AADSTS9002325: Proof Key for Code Exchange is required."
    if fields.get("code_challenge_method", "S256") != "S256":
        return "AADSTS501491: code_challenge_method must be S256."
    return None


def _form(server: TokenServer, fields: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(fields[name])}">'
        for name in _KEPT
        if name in fields
    )
    return (
        "<!doctype html><html lang=en><title>Permissions requested</title>"
        f"<h1>SMTP Portal asks for</h1><p>{escape(fields.get('scope', ''))}</p>"
        f"<p>Signed in as {escape(server.user)}</p>"
        f'<form method="post" action="/authorize">{hidden}'
        '<button name="decision" value="allow">Allow</button> '
        '<button name="decision" value="deny">Deny</button></form></html>'
    )


def _back(fields: Mapping[str, str], answer: Mapping[str, str]) -> str:
    state = {"state": fields["state"]} if "state" in fields else {}
    redirect = fields["redirect_uri"]
    joint = "&" if "?" in redirect else "?"
    return f"{redirect}{joint}{urlencode({**answer, **state})}"
