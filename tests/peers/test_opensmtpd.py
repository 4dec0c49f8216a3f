"""OpenSMTPD 7, where Debian has it: signing in, refusals, and the bytes that arrive."""

from __future__ import annotations

import pytest

from portal.delivery.types import RecipientStatus, Security, Stage, Status
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("opensmtpd")
CLEAR = {"security": Security.NONE}
KIM = "kim@peer.example"


@pytest.mark.parametrize("listener", ["starttls", "implicit"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_each_mechanism_signs_in(opensmtpd_peer: Peer, sink, listener, mechanism):
    by_tls = listener == "implicit"
    relay = relay_at(
        opensmtpd_peer,
        listener,
        security=Security.TLS if by_tls else Security.STARTTLS,
        username=opensmtpd_peer.user,
        password=opensmtpd_peer.password,
        mechanism=mechanism,
    )
    subject = f"opensmtpd by {mechanism}, {listener}"

    outcome = submit(relay, content(subject))

    assert outcome.status is Status.SENT, outcome.failure
    assert len(sink.mail(subject)) == 1


def test_a_wrong_password_ends_at_auth(opensmtpd_peer: Peer):
    relay = relay_at(
        opensmtpd_peer, "starttls", username=opensmtpd_peer.user, password="wrong"
    )

    outcome = submit(relay, content("wrong"))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) == "auth_bad_credentials"


def test_each_recipient_has_an_end_of_its_own(opensmtpd_peer: Peer, sink):
    relay = relay_at(opensmtpd_peer, "open", **CLEAR)

    outcome = submit(relay, content("opensmtpd to two"), KIM, "nobody@peer.example")

    assert [each.status for each in outcome.recipients] == [
        RecipientStatus.SENT,
        RecipientStatus.FAILED,
    ]
    ((arrived, _),) = sink.mail("opensmtpd to two")
    assert arrived.rcpt_tos == [KIM]


def test_relaying_without_signing_in_is_denied(opensmtpd_peer: Peer):
    relay = relay_at(opensmtpd_peer, "open", **CLEAR)

    outcome = submit(relay, content("denied"), "pat@elsewhere.example")

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.RCPT_TO)


def test_a_mail_over_its_limit_is_not_begun(opensmtpd_peer: Peer):
    relay = relay_at(opensmtpd_peer, "open", **CLEAR)

    outcome = submit(relay, content("big", "word " * 300_000), KIM)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.MAIL_FROM)
    assert cause(outcome, relay) == "message_too_large"


def test_what_arrives_is_what_was_sent(opensmtpd_peer: Peer, sink):
    body = "\r\n".join([".", "..", ".one", "Grüße", "x" * 900, "", "."])
    ids = ("Message-ID: <1@peer>", "Date: Sat, 21 Nov 2026 12:00:00 +0000")
    meant = content("opensmtpd bytes", body, *ids)

    outcome = submit(relay_at(opensmtpd_peer, "open", **CLEAR), meant, KIM)

    assert outcome.status is Status.SENT, outcome.failure
    ((arrived, _),) = sink.mail("opensmtpd bytes")
    assert arrived.content.partition(b"From: ")[2] == meant.partition(b"From: ")[2]
