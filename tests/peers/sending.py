"""One mail to a listener of a peer, and what a person would be told of it."""

from __future__ import annotations

import asyncio
from typing import Any

from portal.delivery.conversation import converse
from portal.delivery.tokens import Tokens
from portal.delivery.types import Auth, Limits, Outcome, Relay, Security, Step
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.secret import Secret
from portal.services import knowledge
from tests.peers.postfix import Pair, Peer

PATIENT = Limits.every(15, 30)


def relay_at(peer: Peer, listener: str, **values: Any) -> Relay:
    """A listener by its name in `peer.ports`; without `auth` nobody signs in.

    `password` is text, `pair` a client certificate.
    """
    password, pair = values.pop("password", None), values.pop("pair", None)
    if password is not None:
        values = {"auth": Auth.PASSWORD, "password": Secret(password)} | values
    if pair is not None:
        values |= shown(pair)
    settings = {
        "host": "localhost",
        "port": peer.ports[listener],
        "security": Security.STARTTLS,
        "auth": Auth.NONE,
        "ehlo_name": "portal.example",
        "ca_pem": peer.ca.read_text(),
    }
    return Relay(**settings | values)


def shown(pair: Pair) -> dict[str, Any]:
    return {
        "client_cert": pair.certificate.read_text(),
        "client_key": Secret(pair.key.read_text()),
    }


def submit(
    relay: Relay,
    content: bytes,
    *to: str,
    sender: str | None = "app@peer.example",
    tokens: Tokens | None = None,
) -> Outcome:
    envelope = Envelope(
        reverse_path=sender, recipients=to or ("pat@elsewhere.example",)
    )
    return asyncio.run(
        converse(
            relay, OpenNet(), envelope, content, ignore, limits=PATIENT, tokens=tokens
        )
    )


def cause(outcome: Outcome, relay: Relay) -> str | None:
    """The id of the diagnosis, as every page and command shows it."""
    found = knowledge.diagnose(outcome, relay, None)
    return found.cause if found else None


def content(subject: str, body: str = "hi", *headers: str) -> bytes:
    lines = ["From: app@peer.example", f"Subject: {subject}", *headers, "", body, ""]
    return "\r\n".join(lines).encode()


def ignore(step: Step) -> None:
    """These tests read the steps of the outcome."""
