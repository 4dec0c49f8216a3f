"""What a relay has had enough of: rates, recipients, size, and words it refuses."""

from __future__ import annotations

import pytest

from portal.delivery.types import FailureKind, RecipientStatus, Security, Stage, Status
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("peers")
CLEAR = {"security": Security.NONE}


def test_too_many_connections_are_told_at_the_greeting(peer: Peer):
    """anvil: 421 in the place of the third greeting; nothing is lost, try later."""
    relay = relay_at(peer, "connection_rate", **CLEAR)

    ends = [submit(relay, content("connection")) for _ in range(3)]

    last = ends[2]
    assert (last.status, last.stage) == (Status.FAILED, Stage.BANNER)
    assert last.failure
    assert last.failure.reply
    assert last.failure.reply.code == 421
    assert cause(last, relay) == "too_many_connections"


def test_too_many_messages_are_put_off_at_mail(peer: Peer):
    """anvil: 450 to the third MAIL within its minute."""
    relay = relay_at(peer, "message_rate", **CLEAR)

    ends = [submit(relay, content("message")) for _ in range(3)]

    assert [each.status for each in ends[:2]] == [Status.SENT, Status.SENT]
    last = ends[2]
    assert last.stage is Stage.MAIL_FROM
    assert last.failure
    assert last.failure.reply
    assert last.failure.reply.transient
    assert cause(last, relay) == "rate_limited"


def test_too_many_recipients_are_put_off_one_by_one(peer: Peer, sink):
    """anvil: 450 to the third RCPT of a minute; the mail goes to the others."""
    relay = relay_at(peer, "recipient_rate", **CLEAR)
    to = [f"{name}@elsewhere.example" for name in ("ada", "kim", "lee")]

    outcome = submit(relay, content("recipient rate"), *to)

    assert outcome.status is Status.PARTIAL
    assert [each.status for each in outcome.recipients] == [
        RecipientStatus.SENT,
        RecipientStatus.SENT,
        RecipientStatus.DEFERRED,
    ]
    # Postfix words it “too many recipients from”: the rate is the other reading.
    assert cause(outcome, relay) == "too_many_recipients"
    ((arrived, _),) = sink.mail("recipient rate")
    assert arrived.rcpt_tos == to[:2]


def test_more_recipients_than_one_mail_may_have(peer: Peer, sink):
    """452 4.5.3 to the third RCPT of one mail."""
    relay = relay_at(peer, "few_recipients", **CLEAR)
    to = [f"{name}@elsewhere.example" for name in ("ada", "kim", "lee")]

    outcome = submit(relay, content("few recipients"), *to)

    assert [each.status for each in outcome.recipients][-1] is RecipientStatus.DEFERRED
    assert cause(outcome, relay) == "too_many_recipients"
    assert len(sink.mail("few recipients")) == 1


def test_signing_in_too_often_is_told(peer: Peer):
    """anvil: 450 to the second AUTH of a minute, before the password is looked at."""
    relay = relay_at(peer, "auth_rate", username=peer.user, password=peer.password)

    first, second = (submit(relay, content("auth rate")) for _ in range(2))

    assert first.status is Status.SENT
    assert (second.status, second.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(second, relay) == "auth_rate_limited"


def test_a_header_that_it_checks_is_refused_after_the_dot(peer: Peer):
    """header_checks: 550 5.7.1, and the recipient has failed for good."""
    relay = relay_at(peer, "open", **CLEAR)

    outcome = submit(relay, content("refused", "hi", "X-Refuse: yes"))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.POST_DATA)
    assert outcome.failure
    assert outcome.failure.reply
    assert outcome.failure.reply.enhanced == "5.7.1"
    assert outcome.recipients[0].status is RecipientStatus.FAILED
    assert cause(outcome, relay) == "content_rejected_policy"


def test_a_size_that_was_told_stops_before_mail(peer: Peer):
    relay = relay_at(peer, "open", **CLEAR)

    outcome = submit(relay, content("too large", "word " * 300_000))

    assert outcome.failure
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert outcome.stage is Stage.MAIL_FROM
    assert cause(outcome, relay) == "message_too_large"


def test_a_size_that_was_not_told_is_refused_after_the_dot(peer: Peer):
    """message_size_limit without SIZE in EHLO: 552 is the answer to the dot."""
    relay = relay_at(peer, "no_size", **CLEAR)

    outcome = submit(relay, content("too large", "\r\n".join(["word " * 15] * 20_000)))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.POST_DATA)
    assert outcome.failure
    assert outcome.failure.reply
    assert outcome.failure.reply.code == 552
    assert outcome.recipients[0].status is RecipientStatus.FAILED
    assert cause(outcome, relay) == "message_too_large"
