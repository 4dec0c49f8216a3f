"""The delivery library itself against the peer: several recipients, one session."""

from __future__ import annotations

import asyncio

import pytest

from portal.delivery.conversation import connect, converse
from portal.delivery.types import (
    Auth,
    FailureKind,
    Line,
    Mark,
    Outcome,
    RecipientStatus,
    Relay,
    Security,
    Stage,
    Status,
    Step,
)
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.peers.postfix import Peer

pytestmark = pytest.mark.xdist_group("peers")


def relay(peer: Peer, *, password: str | None = None) -> Relay:
    return Relay(
        host="localhost",
        port=peer.submission,
        security=Security.STARTTLS,
        auth=Auth.PASSWORD,
        ehlo_name="portal.example",
        username=peer.user,
        password=Secret(password or peer.password),
        ca_pem=peer.ca.read_text(),
    )


def content(subject: str) -> bytes:
    return f"From: app@peer.example\r\nSubject: {subject}\r\n\r\nhi\r\n".encode()


def envelope(peer: Peer, *to: str) -> Envelope:
    return Envelope(reverse_path=peer.owned, recipients=to)


def test_one_of_two_recipients_is_refused(peer: Peer, sink):
    """The mail goes to the accepted one; the mark before the dot names both."""
    marks: list[Mark] = []

    async def before_dot(mark: Mark) -> bool:
        marks.append(mark)
        return True

    mail = envelope(peer, peer.reader, "nobody@peer.example")
    outcome = asyncio.run(
        converse(
            relay(peer),
            OpenNet(),
            mail,
            content("to one of two"),
            ignore,
            before_dot=before_dot,
        )
    )

    assert outcome.status is Status.PARTIAL
    found = {each.address: each.status for each in outcome.recipients}
    assert found[peer.reader] is RecipientStatus.SENT
    assert found["nobody@peer.example"] is RecipientStatus.FAILED
    assert marks[0].accepted == (peer.reader,)
    assert [each.address for each in marks[0].refused] == ["nobody@peer.example"]
    ((arrived, _),) = sink.mail("to one of two")
    assert arrived.rcpt_tos == [peer.reader]


def test_a_session_carries_a_second_mail(peer: Peer, sink):
    """One sign-in, two mails, also when a refused one lies between them."""

    async def three() -> list[Outcome]:
        session = await connect(relay(peer), OpenNet(), ignore)
        try:
            return [
                await session.submit(
                    envelope(peer, to), content("one session"), go_on, ignore
                )
                for to in (peer.reader, "nobody@peer.example", peer.reader)
            ]
        finally:
            await session.close()

    outcomes = asyncio.run(three())

    assert [o.status for o in outcomes] == [Status.SENT, Status.FAILED, Status.SENT]
    assert len(sink.mail("one session", count=2)) == 2


def test_a_withdrawn_mail_never_arrives(peer: Peer, sink):
    """`before_dot` says no after 354: Postfix discards, and the next mail goes."""

    async def withdraw(mark: Mark) -> bool:
        return False

    def send(before_dot, subject: str) -> Outcome:
        mail = envelope(peer, peer.reader)
        return asyncio.run(
            converse(
                relay(peer),
                OpenNet(),
                mail,
                content(subject),
                ignore,
                before_dot=before_dot,
            )
        )

    withdrawn, sent = send(withdraw, "withdrawn"), send(go_on, "sent")

    assert withdrawn.failure
    assert withdrawn.failure.kind is FailureKind.WITHDRAWN
    assert sent.status is Status.SENT
    assert len(sink.mail("sent")) == 1
    assert sink.mail("withdrawn", count=0) == []


def test_the_transcript_hides_what_signs_in(peer: Peer):
    """Neither the password nor its base64 stands in the transcript."""
    mail = envelope(peer, peer.reader)
    outcome = asyncio.run(
        converse(
            relay(peer, password="hush-hush"),
            OpenNet(),
            mail,
            content("hushed"),
            ignore,
            before_dot=go_on,
        )
    )

    auth = [line for line in outcome.transcript if line.text.startswith("AUTH")]
    assert outcome.stage is Stage.AUTH
    assert [line.who for line in auth] == ["C"]
    assert "***" in auth[0].text
    assert not [line for line in outcome.transcript if _shows_secret(line)]


def _shows_secret(line: Line) -> bool:
    # "aHVzaC1odXNo" is the password in base64; PLAIN shifts it by NUL and user.
    forms = ("hush-hush", "aHVzaC1odXNo", "aHVzaC", "odXNo")
    return any(form in line.text for form in forms)


def ignore(step: Step) -> None:
    """These tests read the steps of the outcome."""


async def go_on(mark: Mark) -> bool:
    return True
