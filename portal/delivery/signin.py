"""Signing in: exactly one mechanism, chosen before the first byte of a secret.

Trying one after the other, as libraries do, is three failed log-ons per attempt
and locks mailboxes.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re

from portal.delivery.extensions import Extensions
from portal.delivery.scram import NotAsAgreed, Scram
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble
from portal.delivery.types import FailureKind, Relay, Reply

# The first that is offered; the last one thus where there is no other.
PREFERRED = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")


def choose(relay: Relay, offered: Extensions, *, over_tls: bool) -> str:
    """The one mechanism, or Trouble before anything is sent."""
    if not over_tls and not relay.allow_cleartext_auth:
        raise Trouble.ours(
            "The connection is not encrypted, so the password was not sent."
        )
    _refuse_unfit(relay)
    listed = ", ".join(offered.mechanisms)
    if not offered.mechanisms:
        raise Trouble.ours("The relay offers no way to sign in (AUTH).")
    if relay.mechanism is not None:
        wanted = relay.mechanism.upper()
        if wanted not in offered.mechanisms:
            raise Trouble.ours(f"The relay offers {listed}, but not {wanted}.")
        if wanted not in PREFERRED:
            raise Trouble.ours(f"The mechanism {wanted} is not supported here.")
        return wanted
    for mechanism in PREFERRED:
        if mechanism in offered.mechanisms:
            return mechanism
    raise Trouble.ours(f"The relay offers {listed}; we can use none of these.")


async def sign_in(relay: Relay, mechanism: str, talk: Talk) -> Reply:
    """The reply that let us in. Trouble with the reply that did not."""
    user = relay.username or ""
    password = relay.password.reveal() if relay.password else ""
    talk.transcript.secrets = _secrets(user, password)
    if mechanism == "PLAIN":
        reply = await _plain(talk, user, password)
    elif mechanism == "LOGIN":
        reply = await _login(talk, user, password)
    elif mechanism == "CRAM-MD5":
        reply = await _cram_md5(talk, user, password)
    else:
        reply = await _scram(talk, mechanism, user, password)
    if reply.positive and reply.code < 300:
        return reply
    if reply.positive:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay asked for more than {mechanism} has: {reply}",
            reply=reply,
        )
    raise Trouble.of_reply(reply)


async def _plain(talk: Talk, user: str, password: str) -> Reply:
    """RFC 4616, with the initial response of RFC 4954 §4."""
    return await talk.ask_hidden(
        b"AUTH", b"PLAIN", _b64(f"\0{user}\0{password}"), shown="AUTH PLAIN"
    )


async def _login(talk: Talk, user: str, password: str) -> Reply:
    reply = await talk.ask(b"AUTH", b"LOGIN")
    for answer in (user, password):
        if reply.code != 334:
            break
        reply = await talk.ask_hidden(_b64(answer))
    return reply


async def _cram_md5(talk: Talk, user: str, password: str) -> Reply:
    """RFC 2195."""
    reply = await talk.ask(b"AUTH", b"CRAM-MD5")
    if reply.code != 334:
        return reply
    digest = hmac.new(password.encode(), _decoded(reply), "md5").hexdigest()
    return await talk.ask_hidden(_b64(f"{user} {digest}"))


async def _scram(talk: Talk, mechanism: str, user: str, password: str) -> Reply:
    """The relay's proof is checked when it gives one."""
    scram = Scram(mechanism, user, password)
    reply = await talk.ask_hidden(
        b"AUTH", mechanism.encode(), _b64(scram.first()), shown=f"AUTH {mechanism}"
    )
    if reply.code != 334:
        return reply
    try:
        challenge = _decoded(reply).decode("ascii", "replace")
        proof = await asyncio.to_thread(scram.final, challenge)
        reply = await talk.ask_hidden(_b64(proof))
        if reply.code != 334:
            return reply
        scram.check(_decoded(reply).decode("ascii", "replace"))
    except NotAsAgreed as error:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay does not do {mechanism} as agreed: {error}.",
            reply=reply,
        ) from error
    return await talk.ask(b"")


def _refuse_unfit(relay: Relay) -> None:
    """RFC 4616 §2: NUL parts the fields; line breaks would part commands."""
    user = relay.username or ""
    password = relay.password.reveal() if relay.password else ""
    if not user:
        raise Trouble.ours("There is no user name to sign in with.")
    if re.search("[\0\r\n]", user):
        raise Trouble.ours("The user name may not hold line breaks or NUL.")
    if "\0" in password:
        raise Trouble.ours("The password may not hold NUL.")


def _secrets(user: str, password: str) -> tuple[str, ...]:
    """What a relay could echo: the password, and each form it travels in."""
    forms = (
        _b64(f"\0{user}\0{password}").decode(),
        _b64(password).decode(),
        password,
    )
    return tuple(form for form in forms if len(form) >= 3)


def _decoded(challenge: Reply) -> bytes:
    try:
        return base64.b64decode(challenge.text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay’s challenge is not base64: {challenge}",
            reply=challenge,
        ) from error


def _b64(text: str) -> bytes:
    return base64.b64encode(text.encode())
