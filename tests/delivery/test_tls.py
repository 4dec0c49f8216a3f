"""TLS or nothing: what never travels in clear, and which certificates we take."""

from __future__ import annotations

import pytest

from portal.delivery.types import FailureKind, Stage
from tests.delivery.asking import relay_at, submit

STARTTLS = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250-AUTH PLAIN
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
! tls {}
C: EHLO *
S: 250 relay.test
C: QUIT
S: 221 Bye
"""
IMPLICIT = "! tls {}\nS: 220 relay.test\nC: EHLO *\nS: 250 AUTH PLAIN\n! silence\n"
WRONG = {
    "expired": "certificate has expired",
    "wrong-name": "IP address mismatch",
    "untrusted": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
}


def starttls(server, authority, **values):
    return relay_at(server, "starttls", username="kim", ca_pem=authority.pem, **values)


def test_stripped_starttls_sends_no_credential(play, authority):
    """A relay, or who sits before it, hides STARTTLS: we end before AUTH."""
    relay = play("hides_starttls.txt")

    outcome = submit(starttls(relay, authority))

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert relay.commands == ["EHLO portal.test", "QUIT"]
    assert b"AUTH" not in relay.received


def test_refused_starttls_sends_no_credential(play, authority):
    """454 to STARTTLS: never on in clear."""
    relay = play("refuses_starttls.txt")

    outcome = submit(starttls(relay, authority))

    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind is FailureKind.REPLY
    assert outcome.failure.reply.code == 454
    assert outcome.failure.reply.enhanced == "4.7.0"
    assert b"AUTH" not in relay.received


def test_plaintext_behind_the_220_drops_the_connection(play, authority):
    """CVE-2021-38371 and its family: nothing said in clear counts after TLS."""
    relay = play("speaks_behind_starttls.txt")

    outcome = submit(starttls(relay, authority))

    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind is FailureKind.PROTOCOL
    assert relay.commands == ["EHLO portal.test", "STARTTLS"]
    assert b"AUTH" not in relay.received


@pytest.mark.parametrize("certificate", WRONG)
def test_wrong_certificate_ends_at_starttls(play, authority, certificate):
    """No credential goes to whom we cannot name."""
    relay = play(STARTTLS.format(certificate))

    outcome = submit(starttls(relay, authority))

    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind is FailureKind.TLS
    assert outcome.failure.exception == "ssl.SSLCertVerificationError"
    assert WRONG[certificate] in outcome.failure.words
    assert relay.commands == ["EHLO portal.test", "STARTTLS"]


@pytest.mark.parametrize("certificate", WRONG)
def test_wrong_certificate_ends_at_tls(play, authority, certificate):
    relay = play(IMPLICIT.format(certificate))

    outcome = submit(relay_at(relay, "tls", username="kim", ca_pem=authority.pem))

    assert outcome.failure.stage is Stage.TLS
    assert outcome.failure.kind is FailureKind.TLS
    assert WRONG[certificate] in outcome.failure.words
    assert relay.commands == []


def test_wrong_name_is_a_mismatch_for_names_too(play, authority):
    relay = play(STARTTLS.format("wrong-name"))

    outcome = submit(starttls(relay, authority, host="localhost"))

    assert "Hostname mismatch" in outcome.failure.words


def test_own_ca_replaces_the_trust_store(play, authority):
    """Without it the same relay is not trusted."""
    relay = play(STARTTLS.format("good"))

    outcome = submit(relay_at(relay, "starttls", username="kim"))

    assert outcome.failure.kind is FailureKind.TLS


def test_ca_that_is_none_is_said_before_the_handshake(play):
    relay = play(STARTTLS.format("good"))

    outcome = submit(relay_at(relay, "starttls", ca_pem="not a certificate"))

    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert "CA" in outcome.failure.words


def test_tls_of_before_1_2_is_refused(play, authority):
    relay = play(STARTTLS.format("old"))

    outcome = submit(starttls(relay, authority))

    assert outcome.failure.stage is Stage.STARTTLS
    assert outcome.failure.kind in (FailureKind.TLS, FailureKind.CLOSED)
    assert b"AUTH" not in relay.received


def test_implicit_tls_to_a_clear_port(play, authority):
    """The relay greets in clear where we expect a handshake."""
    relay = play("accepts.txt")

    outcome = submit(relay_at(relay, "tls", ca_pem=authority.pem))

    assert outcome.failure.stage is Stage.TLS
    assert outcome.failure.kind is FailureKind.TLS
    assert outcome.failure.exception == "ssl.SSLError"
    assert "WRONG_VERSION_NUMBER" in outcome.failure.words


def test_relay_that_closes_in_the_handshake(play, authority):
    relay = play("closes_before_greeting.txt")

    outcome = submit(relay_at(relay, "tls", ca_pem=authority.pem))

    assert outcome.failure.stage is Stage.TLS
    assert outcome.failure.kind in (FailureKind.TLS, FailureKind.CLOSED)


def test_what_ehlo_said_before_tls_is_forgotten(play, authority):
    """RFC 3207 §4.2: AUTH offered in clear only is no offer."""
    relay = play(STARTTLS.format("good"))

    outcome = submit(starttls(relay, authority))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.facts.ehlo == ()
    assert "AUTH PLAIN" not in relay.commands
