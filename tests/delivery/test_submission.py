"""A mail that is accepted: over each kind of connection, and what is told of it."""

from __future__ import annotations

import asyncio

import pytest

from portal.delivery.conversation import connect
from portal.delivery.types import Stage, StepStatus
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from tests.delivery.asking import (
    CONTENT,
    envelope_to,
    relay_at,
    statuses,
    submit,
)

KIM = {"kim": "hunter2!"}


def test_mail_is_accepted_in_clear(play):
    """The conversation of RFC 5321, word by word, and the content byte by byte."""
    relay = play("accepts.txt")

    outcome = submit(relay_at(relay))

    assert outcome.status == "sent"
    assert outcome.stage is None
    assert outcome.failure is None
    assert str(outcome.reply) == "250 2.0.0 OK queued as 7d1f0c52"
    assert statuses(outcome) == ["sent"]
    assert relay.surprise is None
    assert relay.commands == [
        "EHLO portal.test",
        f"MAIL FROM:<kim@example.org> SIZE={len(CONTENT)}",
        "RCPT TO:<lee@example.net>",
        "DATA",
        "QUIT",
    ]
    assert relay.contents == [b"Subject: hi\r\n\r\n..one dot\r\nhi\r\n.\r\n"]


def test_mail_is_accepted_after_starttls(sink, authority):
    server = sink(users=KIM, starttls=authority.contexts["good"])
    relay = relay_at(server, "starttls", username="kim", ca_pem=authority.pem)

    outcome = submit(relay)

    assert outcome.status == "sent"
    assert server.mails[0].over_tls
    assert server.mails[0].user == "kim"
    assert server.mails[0].content == CONTENT
    assert [step.stage for step in outcome.steps] == [
        "dns",
        "connect",
        "banner",
        "ehlo",
        "starttls",
        "auth",
        "mail_from",
        "rcpt_to",
        "data",
        "post_data",
    ]
    assert {step.status for step in outcome.steps} == {StepStatus.OK}


def test_mail_is_accepted_over_implicit_tls(sink, authority):
    server = sink(users=KIM, tls=authority.contexts["good"])
    relay = relay_at(server, "tls", username="kim", ca_pem=authority.pem)

    outcome = submit(relay)

    assert outcome.status == "sent"
    assert server.mails[0].over_tls
    assert Stage.TLS in [step.stage for step in outcome.steps]
    assert Stage.STARTTLS not in [step.stage for step in outcome.steps]


def test_facts_of_the_certificate_are_kept(sink, authority):
    server = sink(starttls=authority.contexts["good"])

    outcome = submit(relay_at(server, "starttls", ca_pem=authority.pem))

    facts = outcome.facts.tls
    assert facts.version == "TLSv1.3"
    assert "127.0.0.1" in facts.san
    assert facts.subject.startswith("O=trustme")
    assert facts.not_after.year == 3000
    step = next(step for step in outcome.steps if step.stage is Stage.STARTTLS)
    assert step.said == "TLS 1.3, certificate for 127.0.0.1 until 1 Jan 3000"
    assert outcome.facts.address == "127.0.0.1"


def test_a_watcher_sees_each_stage_run_and_end(play):
    """RUNNING, then OK: twice a stage, in order, nothing else."""
    steps = []

    outcome = submit(relay_at(play("accepts.txt")), steps=steps)

    assert [step.status for step in steps] == ["running", "ok"] * (len(steps) // 2)
    assert tuple(steps[1::2]) == outcome.steps


def test_sentences_of_the_ladder(play):
    relay = play("accepts.txt")

    outcome = submit(relay_at(relay))

    assert [step.said for step in outcome.steps] == [
        "127.0.0.1 is an address",
        f"127.0.0.1 port {relay.port}",
        "220 relay.test ESMTP",
        "250 relay.test; offers SIZE 10000000",
        "250 2.1.0 OK",
        "250 2.1.5 OK",
        f"354 End data with <CR><LF>.<CR><LF>; {len(CONTENT)} bytes",
        "250 2.0.0 OK queued as 7d1f0c52",
    ]


def test_null_reverse_path_is_written_as_such(sink):
    server = sink()
    envelope = Envelope(reverse_path=None, recipients=("lee@example.net",))

    outcome = submit(relay_at(server), envelope)

    assert outcome.status == "sent"
    assert server.mails[0].mail_from == "<>"


def test_large_content_arrives_whole(sink):
    """Many blocks, dots at the beginning of lines and across block borders."""
    server = sink()
    content = b"Subject: x\r\n\r\n" + b".\r\n..\r\n.a\r\n" * 60_000

    outcome = submit(relay_at(server), content=content)

    assert outcome.status == "sent"
    assert server.mails[0].content == content


def test_content_without_a_last_line_end_gets_one(sink):
    server = sink()

    submit(relay_at(server), content=b"Subject: x\r\n\r\nend")

    assert server.mails[0].content == b"Subject: x\r\n\r\nend\r\n"


def test_session_takes_several_mails(play):
    """One connection, two mails, one QUIT; the second's story begins at MAIL."""
    relay = play("accepts_two_mails.txt")
    asked = []

    async def run():
        session = await connect(relay_at(relay), OpenNet(), lambda step: None)
        outcomes = []
        for _ in range(2):
            assert session.usable
            outcomes.append(
                await session.submit(envelope_to(), CONTENT, remember, asked.append)
            )
        await session.close()
        assert not session.usable
        return outcomes

    async def remember(mark):
        asked.append(mark)
        return True

    first, second = asyncio.run(run())

    assert relay.connections == 1
    assert relay.surprise is None
    assert [str(first.reply)[-1], str(second.reply)[-1]] == ["1", "2"]
    assert first.steps[0].stage is Stage.DNS
    assert second.steps[0].stage is Stage.MAIL_FROM
    assert second.transcript[0].text.startswith("MAIL FROM")


def test_session_is_not_usable_when_the_relay_has_spoken(play):
    """A 421 that arrives between two mails must not answer the next MAIL."""
    relay = play("speaks_when_idle.txt")

    async def run():
        session = await connect(relay_at(relay), OpenNet(), lambda step: None)

        async def yes(mark):
            return True

        outcome = await session.submit(envelope_to(), CONTENT, yes, lambda step: None)
        usable = session.usable
        await session.close()
        return outcome, usable

    outcome, usable = asyncio.run(run())

    assert outcome.status == "sent"
    assert not usable


def test_relay_that_knows_helo_only(play):
    """RFC 5321 §4.1.4: 502 to EHLO, then HELO, and no extensions."""
    relay = play("knows_helo_only.txt")

    outcome = submit(relay_at(relay))

    assert outcome.status == "sent"
    assert relay.surprise is None
    assert outcome.facts.ehlo == ()


def test_local_address_is_where_we_come_from(sink):
    """127.0.0.2 is ours on Linux."""
    server = sink()

    outcome = submit(relay_at(server, local_address="127.0.0.2"))

    assert outcome.status == "sent"


def test_smtputf8_is_asked_for_when_an_address_needs_it(sink):
    server = sink()

    outcome = submit(relay_at(server), envelope_to("jürgen@example.net"))

    assert outcome.status == "sent"
    assert server.mails[0].recipients == ("jürgen@example.net",)
    assert any(
        "SMTPUTF8" in line.text for line in outcome.transcript if line.who == "C"
    )


@pytest.mark.parametrize("stage", list(Stage)[:-1])  # after the last nothing is left
def test_stop_after_any_stage_sends_nothing(sink, stage):
    """The conversation ends politely after the stage asked for."""
    server = sink()

    outcome = submit(relay_at(server), stop_after=stage)

    assert outcome.status == "stopped"
    assert outcome.failure is None
    assert not server.mails
    ran = [step.stage for step in outcome.steps if step.status == StepStatus.OK]
    order = list(Stage)
    assert all(order.index(each) <= order.index(stage) for each in ran)
    assert outcome.stage == ran[-1]


def test_stop_after_rcpt_resets_and_quits(play):
    relay = play(
        "S: 220 relay.test\nC: EHLO *\nS: 250 relay.test\nC: MAIL *\nS: 250 OK\n"
        "C: RCPT *\nS: 250 OK\nC: RSET\nS: 250 OK\nC: QUIT\nS: 221 Bye\n"
    )

    outcome = submit(relay_at(relay), stop_after=Stage.RCPT_TO)

    assert outcome.status == "stopped"
    assert outcome.stage is Stage.RCPT_TO
    assert statuses(outcome) == ["accepted"]
    assert relay.commands[-2:] == ["RSET", "QUIT"]
    assert relay.surprise is None
