"""What a browser sends for each way to sign in."""

from __future__ import annotations

import io
from typing import Any

from tests.relays.certificates import Authority, Client
from tests.relays.tokens import TokenServer


def of_portal(server: TokenServer, authority: Authority) -> dict[str, str]:
    """Client credentials, from a token server of the tests."""
    return {
        "security": "starttls",
        "auth": "oauth2",
        "grant": "client_credentials",
        "mailbox": server.user,
        "token_url": server.token_url,
        "client_id": server.client_id,
        "client_secret": server.client_secret or "",
        "scope": "smtp.send",
        "ca": authority.pem,
    }


def of_person(server: TokenServer, authority: Authority) -> dict[str, str]:
    """A refresh token, which a person's consent brings."""
    return {
        **of_portal(server, authority),
        "grant": "refresh_token",
        "authorize_url": server.authorize_url,
        "scope": "smtp.send offline_access",
    }


def upload(text: str | bytes, name: str) -> tuple[io.BytesIO, str]:
    raw = text.encode() if isinstance(text, str) else text
    return io.BytesIO(raw), name


def certified(client: Client, authority: Authority) -> dict[str, Any]:
    return {
        "security": "starttls",
        "auth": "client_cert",
        "beside_cert": "alone",
        "client_cert_file": upload(client.certificate, "app.pem"),
        "client_key_file": upload(client.key, "app.key"),
        "ca": authority.pem,
    }
