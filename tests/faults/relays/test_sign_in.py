"""Faults 31 to 34: who stands between us and the relay gets no credential."""

from __future__ import annotations

import base64

import pytest

from portal.delivery.types import Limits
from tests.engine.conftest import PATIENT, QUICK
from tests.faults.relays.acts import DATA, DOT, KEPT, MAIL, RCPT, acting
from tests.faults.relays.outboxes import PASSWORD, outcomes, with_password
from tests.relays.scripted import dialog_of

LIMITS = Limits.every(1, 5)
STARTTLS = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250-AUTH PLAIN LOGIN CRAM-MD5
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
! tls {}
C: EHLO *
S: 250-relay.test
S: 250 AUTH PLAIN LOGIN CRAM-MD5
"""
SIGNED_IN = STARTTLS.format("good") + "C: AUTH PLAIN *\nS: 235 2.7.0 welcome\n"
TAKES = SIGNED_IN + MAIL + RCPT + DATA + DOT + KEPT
NO = "C: AUTH *\nS: 535 5.7.8 no\nC: QUIT\nS: 221 bye\n"
STRANGERS = {
    31: ("STARTTLS stripped", dialog_of("hides_starttls.txt")),
    32: ("plaintext behind the 220", dialog_of("speaks_behind_starttls.txt")),
    33: ("454 to STARTTLS", dialog_of("refuses_starttls.txt")),
}
CERTIFICATES = ("expired", "wrong-name", "untrusted", "self-signed")


def credentials(received: bytes) -> list[bytes]:
    """What of the sign-in came over the wire, TLS taken off."""
    secret = PASSWORD.encode()
    plain = base64.b64encode(b"\0kim\0" + secret)
    signs = (b"AUTH", secret, plain, base64.b64encode(secret), base64.b64encode(b"kim"))
    return [sign for sign in signs if sign in received]


def deferred_without_a_secret(engine, post, authority, act: str) -> None:
    """Once with the fault, for which the mail waits; then a relay that is right."""
    with acting(act, TAKES, contexts=authority.contexts) as relay:
        with_password(post, relay, security="starttls", ca=authority.pem)
        engine(PATIENT, limits=LIMITS)
        message = post.mail()

        post.until(message, "deferred")

        (row,) = post.recipients(message)
        assert (row.tries, row.held_fence is not None) == (0, True)
        assert credentials(relay.received) == []
        assert relay.connections == 1
        assert relay.contents == []


@pytest.mark.parametrize("number", STRANGERS)
def test_no_tls_no_credential(engine, post, authority, told, number):
    """Faults 31 to 33."""
    says, act = STRANGERS[number]
    deferred_without_a_secret(engine, post, authority, act)

    told(number, says, "0 credentials sent, mail kept for its sender")


@pytest.mark.parametrize("certificate", CERTIFICATES)
def test_wrong_certificate_gets_no_credential(
    engine, post, authority, told, certificate
):
    """Fault 33: bad certificates of every kind."""
    act = STARTTLS.format(certificate) + "! silence\n"
    deferred_without_a_secret(engine, post, authority, act)

    told(33, f"a certificate that is {certificate}", "0 credentials sent, mail kept")


def test_refused_password_is_tried_once_an_attempt(engine, post, authority, told):
    """Fault 34: 535 to one mechanism of three that are offered."""
    act = STARTTLS.format("good") + NO
    with acting(act, act, act, TAKES, contexts=authority.contexts) as relay:
        with_password(post, relay, security="starttls", ca=authority.pem)
        engine(QUICK, limits=LIMITS)
        message = post.mail()

        post.until(message, "sent")

        signed = [line for line in relay.commands if line.startswith("AUTH")]
        assert len(signed) == relay.connections == 4
        assert outcomes(post, message) == ["deferred"] * 3 + ["sent"]
        assert post.recipients(message)[0].tries == 0
        assert relay.surprise is None
    told(34, "535 three times", "one AUTH an attempt, mail kept, then sent")
