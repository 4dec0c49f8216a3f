"""The chain of a relay that is not trusted is shown, and trusting it is enough."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from portal.delivery.chain import chain_of, look
from portal.delivery.conversation import converse
from portal.delivery.shown import presented_json
from portal.delivery.types import Stage
from portal.net.guard import GuardedNet, Policy
from portal.net.open import OpenNet
from tests.delivery.asking import (
    CONTENT,
    PATIENT,
    QUICK,
    envelope_to,
    relay_at,
    text_of,
)
from tests.relays.scripted import ScriptedRelay

STARTTLS = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
! tls {0}
C: EHLO *
S: 250-relay.test
S: 250 AUTH PLAIN
C: AUTH PLAIN *
S: 235 Yes
C: QUIT
S: 221 Bye
"""
IMPLICIT = """\
! tls {0}
S: 220 relay.test
C: EHLO *
S: 250-relay.test
S: 250 AUTH PLAIN
C: AUTH PLAIN *
S: 235 Yes
C: QUIT
S: 221 Bye
"""
DIALOGS = {"starttls": STARTTLS, "tls": IMPLICIT}


@pytest.fixture
def internal():
    """`internal(names)`: a relay of a company, whose CA has a CA below it."""
    relays = []
    root = trustme.CA()
    issuing = root.create_child_ca()

    def open_(*names, whole=True, dialog=STARTTLS):
        issued = issuing.issue_cert(*names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        if whole:  # the root too, as many internal relays show it
            chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
            with (
                issued.private_key_pem.tempfile() as key,
                trustme.Blob(chain + root.cert_pem.bytes()).tempfile() as shown,
            ):
                context.load_cert_chain(shown, key)
        relays.append(ScriptedRelay(dialog.format("shown"), {"shown": context}))
        return relays[-1]

    yield open_
    for relay in relays:
        relay.close()


def live_test(relay, *, look=True, limits=PATIENT):
    """Up to AUTH."""
    return asyncio.run(
        converse(
            relay,
            OpenNet(),
            envelope_to(),
            CONTENT,
            lambda step: None,
            limits=limits,
            stop_after=Stage.AUTH,
            look=look,
        )
    )


@pytest.mark.parametrize("security", DIALOGS)
def test_chain_is_presented_leaf_first(internal, security):
    relay = internal("localhost", "127.0.0.1", dialog=DIALOGS[security])

    outcome = live_test(relay_at(relay, security, username="kim"))

    leaf, issuing, root = outcome.facts.presented
    assert outcome.failure.exception == "ssl.SSLCertVerificationError"
    assert (leaf.is_ca, issuing.is_ca, root.is_ca) == (False, True, True)
    assert leaf.issuer == issuing.subject
    assert root.issuer == root.subject
    assert leaf.not_before < leaf.not_after
    assert presented_json(root)["pem"].startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("security", DIALOGS)
def test_look_says_nothing(internal, security):
    """Two connections, and neither hears a credential or a mail."""
    relay = internal("127.0.0.1", dialog=DIALOGS[security])

    live_test(relay_at(relay, security, username="kim"))

    assert relay.connections == 2
    said = {command.split()[0] for command in relay.commands}
    assert said <= {"EHLO", "STARTTLS"}


@pytest.mark.parametrize("which", [-1, 0, 1])
@pytest.mark.parametrize("security", DIALOGS)
def test_trusting_what_was_presented_is_enough(internal, security, which):
    """The root, the CA below it, or the relay's own certificate."""
    relay = internal("127.0.0.1", dialog=DIALOGS[security])
    presented = live_test(relay_at(relay, security, username="kim")).facts.presented

    outcome = live_test(
        relay_at(relay, security, username="kim", ca_pem=presented[which].pem)
    )

    assert outcome.status == "stopped"
    assert outcome.facts.presented == ()


def test_trusted_ca_does_not_excuse_a_wrong_name(internal):
    relay = internal("other.example")
    presented = live_test(relay_at(relay, "starttls", username="kim")).facts.presented

    for each in presented:
        outcome = live_test(
            relay_at(relay, "starttls", username="kim", ca_pem=each.pem)
        )

        assert outcome.failure.exception == "ssl.SSLCertVerificationError"
        assert "mismatch" in outcome.failure.words


@pytest.mark.parametrize("certificate", ["expired", "wrong-name", "self-signed"])
def test_other_faults_of_a_certificate_are_shown_too(play, authority, certificate):
    relay = play(STARTTLS.format(certificate))

    outcome = live_test(
        relay_at(relay, "starttls", username="kim", ca_pem=authority.pem)
    )

    assert len(outcome.facts.presented) == 1
    leaf = outcome.facts.presented[0]
    assert (leaf.subject == leaf.issuer) is (certificate == "self-signed")


def test_self_signed_certificate_may_be_trusted_by_itself(play, authority):
    relay = play(STARTTLS.format("self-signed"))
    presented = live_test(relay_at(relay, "starttls", username="kim")).facts.presented

    outcome = live_test(
        relay_at(relay, "starttls", username="kim", ca_pem=presented[0].pem)
    )

    # It is an authority's, made for no host: trusted now, and still of another name.
    assert "mismatch" in outcome.failure.words


def test_engine_never_looks(internal):
    relay = internal("127.0.0.1")

    outcome = live_test(relay_at(relay, "starttls", username="kim"), look=False)

    assert outcome.facts.presented == ()
    assert relay.connections == 1


@pytest.mark.parametrize(
    "dialog", ["hides_starttls.txt", "refuses_starttls.txt", "says_nothing.txt"]
)
def test_there_is_no_look_where_no_certificate_was_the_trouble(play, authority, dialog):
    relay = play(dialog)
    values = {"username": "kim", "ca_pem": authority.pem}

    outcome = live_test(relay_at(relay, "starttls", **values), limits=QUICK)

    assert outcome.failure
    assert outcome.facts.presented == ()
    assert relay.connections == 1


def test_look_is_judged_by_the_guard(internal):
    relay = internal("127.0.0.1")

    found = asyncio.run(
        look(relay_at(relay, "starttls"), GuardedNet(Policy(forbidden_s=0)))
    )

    assert found == ()
    assert relay.connections == 0


@pytest.mark.parametrize(
    "dialog",
    [
        "closes_before_greeting.txt",
        "greets_with_554.txt",
        "hides_starttls.txt",
        "speaks_behind_starttls.txt",
    ],
)
def test_relay_that_does_not_show_itself_is_no_trouble(play, dialog):
    relay = play(dialog)

    assert asyncio.run(look(relay_at(relay, "starttls"), OpenNet())) == ()


def test_chain_is_read_by_whatever_python_has(internal):
    """3.13 has it in public, earlier ones inside; else the first one alone."""

    class Public:
        def get_unverified_chain(self):
            return [b"leaf", b"issuer"]

    class Bare:
        def getpeercert(self, binary_form):
            return b"leaf" if binary_form else {}

    assert chain_of(Public()) == (b"leaf", b"issuer")
    assert chain_of(Bare()) == (b"leaf",)


def test_hostile_names_are_made_harmless(play):
    authority = trustme.CA(organization_name="Evil\u202e\r\nBcc: x\x1b[31m")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    relay = ScriptedRelay(STARTTLS.format("shown"), {"shown": context})
    try:
        outcome = live_test(relay_at(relay, "starttls", username="kim"))
    finally:
        relay.close()

    issuer = outcome.facts.presented[0].issuer
    assert "Evil" in issuer
    assert "\u202e" not in issuer
    assert "\x1b" not in issuer
    assert "hunter2!" not in text_of(outcome)
