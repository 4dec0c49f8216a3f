"""The dialogs of each mechanism (RFC 4422): what is said to whom in which order."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from dataclasses import dataclass, field

from portal.delivery import bearer
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble
from portal.delivery.types import FailureKind, Reply

SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-1")
AS_TYPED = ("PLAIN", "LOGIN")
PASSWORDS = (*SCRAM, *AS_TYPED, "CRAM-MD5")
TOKENS = bearer.MECHANISMS
CERTIFICATES = ("EXTERNAL",)
# RFC 4954 §4 would take 12,288 octets on the line of AUTH; Postfix reads 2,048.
_LINE_OCTETS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What one attempt signs in with; `host` and `port` are told by OAUTHBEARER."""

    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    host: str = ""
    port: int = 0


async def speak(talk: Talk, mechanism: str, who: Credentials) -> Reply:
    """The last reply, good or bad. Trouble where the relay breaks the rules."""
    if mechanism in SCRAM:
        return await _scram(talk, mechanism, who)
    if mechanism in bearer.MECHANISMS:
        return await _bearer(talk, mechanism, who)
    if mechanism == "EXTERNAL":
        return await _begin(talk, "EXTERNAL", who.user)
    if mechanism == "LOGIN":
        return await _login(talk, who)
    if mechanism == "CRAM-MD5":
        return await _cram_md5(talk, who)
    return await _begin(talk, "PLAIN", f"\0{who.user}\0{who.password}")  # RFC 4616


async def _begin(talk: Talk, mechanism: str, first: str) -> Reply:
    """AUTH with its initial response; a long one waits for the relay's 334."""
    response = _b64(first) or b"="  # RFC 4954 §4: `=` is an empty one
    command = (b"AUTH", mechanism.encode())
    if len(response) <= _LINE_OCTETS:
        return await talk.ask_hidden(*command, response, shown=f"AUTH {mechanism}")
    reply = await talk.ask(*command)
    return await talk.ask_hidden(response) if reply.code == 334 else reply


async def _login(talk: Talk, who: Credentials) -> Reply:
    reply = await talk.ask(b"AUTH", b"LOGIN")
    for answer in (who.user, who.password):
        if reply.code != 334:
            break
        reply = await talk.ask_hidden(_b64(answer))
    return reply


async def _cram_md5(talk: Talk, who: Credentials) -> Reply:
    """RFC 2195."""
    reply = await talk.ask(b"AUTH", b"CRAM-MD5")
    if reply.code != 334:
        return reply
    digest = hmac.new(who.password.encode(), _challenge(talk, reply), "md5").hexdigest()
    return await talk.ask_hidden(_b64(f"{who.user} {digest}"))


async def _scram(talk: Talk, mechanism: str, who: Credentials) -> Reply:
    # Here, as its library takes long to import and few relays ask for it.
    from portal.delivery import scram

    exchange = scram.Scram(mechanism, who.user, who.password)
    reply = await _begin(talk, mechanism, exchange.first())
    if reply.code != 334:
        return reply
    try:
        challenge = _challenge(talk, reply).decode("ascii", "replace")
        proof = await asyncio.to_thread(exchange.final, challenge)
        reply = await talk.ask_hidden(_b64(proof))
        if reply.code != 334:
            if reply.positive and not _is_believed(talk):
                words = "it does not prove that it knows the password"
                raise scram.NotAsAgreed(words)
            return reply
        answer = _challenge(talk, reply).decode("ascii", "replace")
        if not answer.startswith("e="):  # RFC 5802 §7: why not; its 535 follows
            exchange.check(answer)
    except scram.NotAsAgreed as error:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay does not do {mechanism} as agreed: {error}.",
            reply=reply,
        ) from error
    return await talk.ask(b"")


def _is_believed(talk: Talk) -> bool:
    """A relay that lets us in without its proof: where its certificate says who it
    is, and nowhere else (RFC 5802 §3)."""
    return talk.connected.over_tls is not None


async def _bearer(talk: Talk, mechanism: str, who: Credentials) -> Reply:
    """RFC 7628 §3.2.3: a refusal is a 334 with its reason, then comes the code."""
    words = bearer.first_words(mechanism, who.user, who.token, who.host, who.port)
    reply = await _begin(talk, mechanism, words)
    if reply.code != 334:
        return reply
    told = bearer.reason(talk.raw, talk.transcript.secrets)
    talk.transcript.noted(told)
    reply = await talk.ask(_b64(bearer.last_words(mechanism)))
    if 200 <= reply.code < 400:
        return reply
    raise Trouble(
        FailureKind.REPLY,
        f"{reply} (its reason: {told})",
        reply=reply,
    )


def _challenge(talk: Talk, reply: Reply) -> bytes:
    """As it came: the reply's text is masked, which base64 does not survive."""
    try:
        return base64.b64decode(talk.raw, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay’s challenge is not base64: {reply}",
            reply=reply,
        ) from error


def _b64(text: str) -> bytes:
    return base64.b64encode(text.encode())
