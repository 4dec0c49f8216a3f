"""The bytes that a peer hands on are the bytes that we meant, whatever it offers."""

from __future__ import annotations

import pytest

from portal.delivery.types import RecipientStatus, Security, Stage, Status
from tests.peers.conftest import Try
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("peers")
CLEAR = {"security": Security.NONE}
DOTS = "\r\n".join([".", "..", ".one", "two.", "", ".", "", "end"])
LISTENERS = ["open", "no_pipelining", "no_size", "no_8bitmime", "no_smtputf8"]


@pytest.mark.parametrize("listener", LISTENERS)
def test_what_arrives_is_what_was_sent(peer: Peer, sink, listener):
    """Byte by byte behind the Received field that Postfix puts in front."""
    subject = f"bytes by {listener}"
    meant = content(
        subject,
        DOTS,
        "X-Long: " + "x" * 900,
        "Message-ID: <1@peer>",
        "Date: Sat, 21 Nov 2026 12:00:00 +0000",
    )

    outcome = submit(relay_at(peer, listener, **CLEAR), meant)

    assert outcome.status is Status.SENT, outcome.failure
    ((arrived, _),) = sink.mail(subject)
    assert arrived.content.partition(b"From: ")[2] == meant.partition(b"From: ")[2]


def test_a_large_mail_arrives_whole(peer: Peer, sink):
    """Some hundred blocks, dots at the beginnings of lines among them."""
    body = "\r\n".join(
        f"{'.' * (n % 3)}line {n} {'x' * (n % 60)}" for n in range(18_000)
    )
    meant = content("large", body)

    outcome = submit(relay_at(peer, "open", **CLEAR), meant)

    assert outcome.status is Status.SENT, outcome.failure
    ((arrived, _),) = sink.mail("large")
    assert arrived.content.endswith(body.encode() + b"\r\n")


def test_bytes_beyond_ascii_arrive_where_8bitmime_is_offered(peer: Peer, sink):
    meant = content("eight bits", "Grüße", "Content-Type: text/plain; charset=utf-8")

    outcome = submit(relay_at(peer, "open", **CLEAR), meant)

    assert outcome.status is Status.SENT
    ((arrived, _),) = sink.mail("eight bits")
    assert "Grüße".encode() in arrived.content


def test_bytes_beyond_ascii_stay_here_where_it_is_not(peer: Peer):
    """Finished bytes are not rewritten: the refusal is ours, before MAIL."""
    relay = relay_at(peer, "no_8bitmime", **CLEAR)

    outcome = submit(relay, content("eight bits", "Grüße"))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.MAIL_FROM)
    assert cause(outcome, relay) is not None


def test_words_that_we_write_need_no_8bitmime(
    try_peer: Try, peer: Peer, sink, tmp_path
):
    """What the portal composes is ASCII on the wire, and reads as it was typed."""
    (tmp_path / "text").write_text("Grüße aus Århus\n")

    tried = try_peer(
        port=peer.ports["no_8bitmime"],
        security="none",
        auth="none",
        username=None,
        password_file=None,
        ca_file=None,
        subject="composed",
        text_file=str(tmp_path / "text"),
    )

    assert (tried.exit, tried.said["outcome"]) == (0, "sent")
    ((arrived, message),) = sink.mail("composed")
    assert arrived.content.isascii()
    assert "Grüße aus Århus" in message.get_payload(decode=True).decode()


def test_an_address_beyond_ascii_goes_where_smtputf8_is_offered(peer: Peer, sink):
    outcome = submit(
        relay_at(peer, "open", **CLEAR), content("utf8"), "søren@elsewhere.example"
    )

    assert outcome.status is Status.SENT, outcome.failure
    ((arrived, _),) = sink.mail("utf8")
    assert arrived.rcpt_tos == ["søren@elsewhere.example"]


def test_an_address_beyond_ascii_is_named_where_it_is_not(peer: Peer):
    relay = relay_at(peer, "no_smtputf8", **CLEAR)

    outcome = submit(relay, content("utf8"), "søren@elsewhere.example")

    assert outcome.failure
    assert outcome.stage is Stage.MAIL_FROM
    assert "søren@elsewhere.example" in outcome.failure.words
    assert cause(outcome, relay) == "smtputf8_unsupported"


@pytest.mark.parametrize("listener", ["open", "no_pipelining"])
def test_many_recipients_go_in_one_mail(peer: Peer, sink, listener):
    """`open` refuses whoever pipelines out of turn (reject_unauth_pipelining)."""
    to = [f"r{number}@elsewhere.example" for number in range(150)]
    subject = f"many by {listener}"

    outcome = submit(relay_at(peer, listener, **CLEAR), content(subject), *to)

    assert outcome.status is Status.SENT, outcome.failure
    assert {each.status for each in outcome.recipients} == {RecipientStatus.SENT}
    arrived = [to for mail, _ in sink.mail(subject, count=3) for to in mail.rcpt_tos]
    assert sorted(arrived) == sorted(to)
