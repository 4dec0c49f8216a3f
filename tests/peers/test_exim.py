"""Exim: strict about who speaks when, and exact in what it refuses."""

from __future__ import annotations

import pytest

from portal.delivery.types import Auth, RecipientStatus, Security, Stage, Status
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("exim")
CLEAR = {"security": Security.NONE}
PAT = "pat@elsewhere.example"


@pytest.mark.parametrize("mechanism", [None, "PLAIN", "LOGIN", "CRAM-MD5"])
def test_each_mechanism_signs_in(exim_peer: Peer, sink, mechanism):
    relay = relay_at(
        exim_peer,
        "starttls",
        username=exim_peer.user,
        password=exim_peer.password,
        mechanism=mechanism,
    )
    subject = f"exim by {mechanism}"

    outcome = submit(relay, content(subject), PAT)

    assert outcome.status is Status.SENT, outcome.failure
    assert len(sink.mail(subject)) == 1


def test_cram_md5_is_taken_where_nothing_else_is_offered(exim_peer: Peer):
    relay = relay_at(
        exim_peer, "cram", username=exim_peer.user, password=exim_peer.password
    )

    outcome = submit(relay, content("exim by cram"), PAT)

    auth = next(step for step in outcome.steps if step.stage is Stage.AUTH)
    assert (outcome.status, auth.detail) == (Status.SENT, "CRAM-MD5")


def test_implicit_tls(exim_peer: Peer):
    relay = relay_at(
        exim_peer,
        "implicit",
        security=Security.TLS,
        username=exim_peer.user,
        password=exim_peer.password,
    )

    assert submit(relay, content("exim by tls"), PAT).status is Status.SENT


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_wrong_password_is_tried_once(exim_peer: Peer, mechanism):
    relay = relay_at(
        exim_peer,
        "starttls",
        username=exim_peer.user,
        password="wrong",
        mechanism=mechanism,
    )
    before = exim_peer.log().count("authenticator failed")

    outcome = submit(relay, content("wrong"), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) == "auth_bad_credentials"
    assert exim_peer.log().count("authenticator failed") == before + 1


def test_a_certificate_signs_in_by_external(exim_peer: Peer, sink):
    relay = relay_at(
        exim_peer, "certified", auth=Auth.CLIENT_CERT, pair=exim_peer.client
    )

    outcome = submit(relay, content("exim by external"), PAT)

    auth = next(step for step in outcome.steps if step.stage is Stage.AUTH)
    assert (outcome.status, auth.detail) == (Status.SENT, "EXTERNAL"), outcome.failure
    assert len(sink.mail("exim by external")) == 1


def test_an_identity_that_is_not_the_certificate_s_is_refused(exim_peer: Peer):
    relay = relay_at(
        exim_peer,
        "certified",
        auth=Auth.CLIENT_CERT,
        pair=exim_peer.client,
        username="boss",
    )

    outcome = submit(relay, content("boss"), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)


@pytest.mark.parametrize("shown", ["nothing", "a stranger’s"])
def test_a_certificate_that_it_demands(exim_peer: Peer, shown):
    """GnuTLS ends the handshake: after it, as TLS 1.3 has it."""
    values = {}
    if shown != "nothing":
        values = {"auth": Auth.CLIENT_CERT, "pair": exim_peer.stranger}
    relay = relay_at(exim_peer, "certified", **values)

    outcome = submit(relay, content("certificate"), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.STARTTLS)
    assert cause(outcome, relay) == "client_certificate_required", outcome.failure


@pytest.mark.parametrize("listener", ["open", "no_pipelining"])
def test_each_recipient_has_an_end_of_its_own(exim_peer: Peer, sink, listener):
    """One is taken, one refused, one put off, with and without PIPELINING."""
    relay = relay_at(exim_peer, listener, **CLEAR)
    subject = f"exim, three by {listener}"
    others = ("nobody@elsewhere.example", "later@elsewhere.example")

    outcome = submit(relay, content(subject), PAT, *others)

    assert [each.status for each in outcome.recipients] == [
        RecipientStatus.SENT,
        RecipientStatus.FAILED,
        RecipientStatus.DEFERRED,
    ]
    assert cause(outcome, relay) == "recipient_unknown"
    ((arrived, _),) = sink.mail(subject)
    assert arrived.rcpt_tos == [PAT]
    assert "synchronization error" not in exim_peer.log()


@pytest.mark.parametrize("listener", ["open", "no_pipelining"])
def test_nobody_is_taken(exim_peer: Peer, listener):
    """DATA went out with the RCPTs, or not at all: nothing is sent either way."""
    relay = relay_at(exim_peer, listener, **CLEAR)

    outcome = submit(
        relay, content("nobody"), "nobody@peer.example", "nobody@elsewhere.example"
    )

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.RCPT_TO)
    assert {each.status for each in outcome.recipients} == {RecipientStatus.FAILED}
    assert cause(outcome, relay) == "recipient_unknown"


def test_relaying_without_signing_in_is_denied(exim_peer: Peer):
    relay = relay_at(exim_peer, "starttls")

    outcome = submit(relay, content("denied"), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.RCPT_TO)
    assert cause(outcome, relay) == "relay_denied_ip_not_allowed"


@pytest.mark.parametrize(
    ("sender", "expected", "transient"),
    [
        ("later@peer.example", "server_unavailable", True),
        ("never@peer.example", "sender_not_authorised", False),
    ],
)
def test_a_sender_that_it_puts_off_or_refuses(
    exim_peer: Peer, sender, expected, transient
):
    relay = relay_at(exim_peer, "open", **CLEAR)

    outcome = submit(relay, content("sender"), PAT, sender=sender)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.MAIL_FROM)
    assert outcome.failure
    assert outcome.failure.reply
    assert outcome.failure.reply.transient is transient
    assert cause(outcome, relay) == expected, outcome.failure


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        ("X-Refuse", RecipientStatus.FAILED, "content_rejected_spam"),
        ("X-Later", RecipientStatus.DEFERRED, "server_unavailable"),
    ],
)
def test_content_that_it_refuses_or_puts_off(exim_peer: Peer, header, status, expected):
    relay = relay_at(exim_peer, "open", **CLEAR)

    outcome = submit(relay, content("content", "hi", f"{header}: yes"), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.POST_DATA)
    assert outcome.recipients[0].status is status
    assert cause(outcome, relay) == expected, outcome.failure


def test_a_mail_over_its_limit_is_not_begun(exim_peer: Peer):
    relay = relay_at(exim_peer, "open", **CLEAR)

    outcome = submit(relay, content("big", "word " * 300_000), PAT)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.MAIL_FROM)
    assert cause(outcome, relay) == "message_too_large"


@pytest.mark.parametrize("listener", ["open", "no_pipelining"])
def test_what_arrives_is_what_was_sent(exim_peer: Peer, sink, listener):
    """Byte by byte, behind the fields that Exim puts in front."""
    body = "\r\n".join([".", "..", ".one", "Grüße", "x" * 900, "", "."])
    subject = f"exim bytes by {listener}"
    meant = content(
        subject, body, "Message-ID: <1@peer>", "Date: Sat, 21 Nov 2026 12:00:00 +0000"
    )

    outcome = submit(relay_at(exim_peer, listener, **CLEAR), meant, PAT)

    assert outcome.status is Status.SENT, outcome.failure
    ((arrived, _),) = sink.mail(subject)
    assert arrived.content.partition(b"From: ")[2] == meant.partition(b"From: ")[2]
