"""A look at the certificates of a relay that we do not trust.

A second connection that says EHLO and STARTTLS where it must, shakes hands and
leaves: no credential, no mail. What it sees is shown to people, who alone can
vouch for it.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from portal.crypto.certificates import BadCertificate, described_der
from portal.delivery.reply import clean
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble
from portal.delivery.types import (
    Failure,
    Limits,
    Presented,
    Relay,
    Security,
    Stage,
)
from portal.delivery.wire import Client
from portal.net.dial import first_to_answer
from portal.net.types import Found, Net, NetFailure

LOOK_S = 5.0
_MOST = 10  # certificates; a chain has three or four
_OCTETS = 16 * 1024
_DER = 2  # _ssl.ENCODING_DER


def is_worth_a_look(failure: Failure) -> bool:
    """Where the certificate itself is the trouble, whichever it is."""
    return (
        failure.stage in (Stage.TLS, Stage.STARTTLS)
        and failure.exception == "ssl.SSLCertVerificationError"
    )


async def look(
    relay: Relay, net: Net, *, address: str | None = None
) -> tuple[Presented, ...]:
    """What the relay presents, its own certificate first; empty if it does not show.

    `address` is the one that was talked to: it is tried before the others.
    """
    talk = Talk(Limits.every(LOOK_S, LOOK_S))
    try:
        connection = await _shake_hands(relay, net, talk, address)
        return _presented(chain_of(connection)) if connection else ()
    except (Trouble, BadCertificate):
        return ()
    finally:
        await talk.drop()


def chain_of(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates in DER as they came, unverified, the relay's own first.

    Public since Python 3.13; before that the object inside has it.
    """
    public: Any = getattr(connection, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    inside: Any = getattr(connection, "_sslobj", None)
    if hasattr(inside, "get_unverified_chain"):
        found = inside.get_unverified_chain() or ()
        return tuple(each.public_bytes(_DER) for each in found)
    leaf = connection.getpeercert(binary_form=True)
    return (leaf,) if leaf else ()


async def _shake_hands(
    relay: Relay, net: Net, talk: Talk, address: str | None
) -> ssl.SSLObject | None:
    found = await net.find(relay.host, relay.port, timeout_s=LOOK_S)
    if isinstance(found, NetFailure):
        return None
    dialled = await first_to_answer(
        net,
        _first(found, address),
        relay.port,
        timeout_s=talk.patience(LOOK_S),
        local_address=relay.local_address,
    )
    if isinstance(dialled, NetFailure):
        return None
    at_once = relay.security is Security.TLS
    client = Client(found.host)
    async with talk.within(LOOK_S):
        await client.take(dialled[0], _unverified() if at_once else None, LOOK_S)
    talk.client = client
    if not at_once:
        await _start_tls(relay, talk, client)
    return client.over_tls


async def _start_tls(relay: Relay, talk: Talk, client: Client) -> None:
    reply = await talk.listen(LOOK_S)
    if reply.code == 220:
        reply = await talk.ask(b"EHLO", relay.ehlo_name.encode())
    if reply.code == 250:
        reply = await talk.ask(b"STARTTLS")
    if reply.code != 220 or not client.is_quiet:
        raise Trouble.ours("The relay does not start TLS.")
    async with talk.within(LOOK_S):
        await client.encrypt(_unverified(), LOOK_S)


def _unverified() -> ssl.SSLContext:
    """For this look alone: nothing is said over it, so nobody can be deceived."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _first(found: Found, address: str | None) -> Found:
    ordered = sorted(found.addresses, key=lambda each: str(each) != address)
    return replace(found, addresses=tuple(ordered))


def _presented(chain: tuple[bytes, ...]) -> tuple[Presented, ...]:
    fitting = [each for each in chain[:_MOST] if len(each) <= _OCTETS]
    return tuple(
        Presented(
            subject=clean(facts.subject),
            issuer=clean(facts.issuer),
            not_before=facts.not_before,
            not_after=facts.not_after,
            fingerprint=facts.fingerprint,
            is_ca=facts.is_ca,
            pem=facts.pem,
        )
        for facts in described_der(fitting)
    )
