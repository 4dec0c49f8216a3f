"""A probe learns what a relay is, and never shows it a credential."""

from __future__ import annotations

import asyncio

import pytest

from portal.delivery.probe import Probe, bared, probe
from portal.delivery.types import Auth, Limits, Stage
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.delivery.asking import PATIENT, QUICK, envelope_to, relay_at

SECRET = "hunter2!"


def look(relay, **values) -> Probe:
    values.setdefault("limits", PATIENT)
    return asyncio.run(probe(relay, OpenNet(), **values))


def signing_in(server, security: str, **values):
    how = {"username": "kim", "password": Secret(SECRET), **values}
    return relay_at(server, security, **how)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_what_is_offered_is_read_inside_of_tls(sink, authority, security):
    relay = sink(users={"kim": SECRET}, **{security: authority.contexts["good"]})

    found = look(signing_in(relay, security, ca_pem=authority.pem))

    assert found.answers
    assert found.facts.tls.version.startswith("TLS")
    assert set(found.offers.mechanisms) == {"LOGIN", "PLAIN"}
    assert relay.log_ons == []
    assert relay.mails == []


def test_no_byte_of_a_credential_is_sent(play):
    """The relay would take it, in clear even: nobody asked it to."""
    relay = play("offers_auth_in_clear.txt")

    found = look(signing_in(relay, "none", allow_cleartext_auth=True))

    assert found.answers
    assert SECRET.encode() not in relay.received
    assert {line.split()[0] for line in relay.commands} <= {"EHLO", "QUIT"}


def test_bared_keeps_nothing_that_signs_in():
    class Server:
        host, port = "relay.test", 25

    given = signing_in(
        Server,
        "tls",
        access_token=Secret("token"),
        client_cert="certificate",
        client_key=Secret("key"),
    )

    bare = bared(given)

    assert bare.auth is Auth.NONE
    kept = (bare.username, bare.password, bare.access_token, bare.client_key)
    assert kept == (None,) * 4
    assert bare.client_cert is None


def test_starttls_that_is_not_offered_is_told_with_what_is(play):
    found = look(relay_at(play("hides_starttls.txt"), "starttls"))

    assert not found.answers
    assert found.failure.stage is Stage.STARTTLS
    assert found.offers.mechanisms == ("PLAIN", "LOGIN")


def test_an_untrusted_chain_is_looked_at(sink, authority):
    relay = sink(starttls=authority.contexts["good"])

    found = look(relay_at(relay, "starttls"), look=True)

    assert not found.answers
    assert found.facts.presented[0].fingerprint.count(":") == 31


def test_silence_ends_at_the_limit(play):
    found = look(relay_at(play("says_nothing.txt")), limits=Limits.every(0.2, 0.3))

    assert found.failure.stage is Stage.BANNER
    assert found.failure.kind == "timeout"


def test_addresses_are_asked_and_taken_back(sink):
    """With an envelope the relay says whether it would take it; then RSET."""
    relay = sink(refuse=frozenset({"nobody@example.net"}))

    taken = look(relay_at(relay), envelope=envelope_to("lee@example.net"))
    refused = look(relay_at(relay), envelope=envelope_to("nobody@example.net"))

    assert taken.answers
    assert refused.failure.reply.code == 550
    assert relay.mails == []


def test_nobody_there_is_a_value():
    class Server:
        host, port = "127.0.0.1", 1

    found = look(relay_at(Server), limits=QUICK)

    assert found.failure.stage is Stage.CONNECT
