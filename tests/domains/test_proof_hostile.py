"""Whatever is pasted as a received mail has an answer."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from portal.errors import Invalid
from portal.services.domains import proof
from tests.domains.mails import SHOP, mail

PIECES = (
    b"From: kim@shop.example\r\n",
    b"Received: from a by ",
    b" by ",
    b"\r\n\t",
    b"Received-SPF: pass (domain of ",
    b"> ",
    b"broken\r\n",
    b"DKIM-Signature: v=1; a=rsa-sha256; ",
    b"d=shop.example; s=tx7; ",
    b"h=from:",
    b"b=;",
    b"bh=;",
    b"c=/;",
    b"Authentication-Results:",
    b"spf=pass smtp.mailfrom=",
    b"..",
    b"((",
    b"Message-ID: <",
    b">",
    b"\0",
    b"\xff",
    b";",
    b"Sat, 21 Nov 9999 99:99:99 +9999",
    b"[999.1]",
    b"\r\n",
    b"\r\n\r\n",
)
CONTENT = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=40)


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, limits=False)


@how(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pieces=CONTENT, trusting=st.sampled_from((None, "", "a", "shop.example")))
def test_it_is_a_proof_or_a_sentence(pieces, trusting, sender_id, owner):
    """And its texts are such as a page and both databases take."""
    content = PIECES[0] + b"".join(pieces)

    try:
        found = proof.prove(owner, sender_id, content, trusting=trusting)
    except Invalid as fault:
        assert fault.sentence == proof.NO_FROM
    else:
        assert "\0" not in found.subject + (found.message_id or "")
        assert not any("\0" in hop.by + hop.peer for hop in found.way)


@pytest.mark.parametrize(
    "bulk",
    [
        b"Received: " + b"(" * 900_000,
        b"DKIM-Signature: " + b"a=b; " * 180_000,
        b"DKIM-Signature: v=1; " + b" " * 900_000 + b"x",
        b"Authentication-Results: a.example; " + b"dkim=pass " * 90_000,
        b"Received: from a by b\r\n" * 40_000,
        b"X: " + b"y\r\n " * 300_000,
        b"Authentication-Results: a.example; spf=pass x=" + b'"\\' * 450_000,
        b'Authentication-Results: a; spf=pass a="b\r\n' * 20_000,
        b"Received-SPF: pass (" + b"domain of " * 90_000,
        b"Received-SPF: pass a=" + b'"' * 900_000,
        b"Received: from a (" + b"1" * 900_000,
        b"X-%d: y\r\n" * 10_000,
        b"Received: from a by b\r\nbroken\r\n" * 20_000,
        b"DKIM-Signature: h=a:\r\n" + b"b:c:\r\n" * 100_000,
    ],
    ids=[
        *("comments", "tags", "blanks", "results", "hops", "folds", "quotes"),
        *("many results", "domains", "SPF quotes", "digits", "fields", "broken"),
        "names",
    ],
)
@pytest.mark.timeout(20)
def test_a_megabyte_of_nonsense_is_read_in_no_time(bulk, sender_id, owner):
    content = b"Subject: x\r\n" + PIECES[0] + bulk[:1_000_000]

    assert proof.prove(owner, sender_id, content).from_address == "kim@shop.example"


@pytest.mark.timeout(20)
def test_a_long_from_is_no_address(sender_id, owner):
    bulk = b'"' * 9 + b"(" * 100_000 + b"<a" * 100_000 + b",\\" * 100_000

    with pytest.raises(Invalid):
        proof.prove(owner, sender_id, b"From: " + bulk)


@pytest.fixture
def sender_id(dns, shop):
    dns.publish(SHOP)
    return shop()


def test_a_mail_of_many_signatures_asks_a_few_questions(dns, sender_id, owner):
    content = mail()
    one = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=d%d.example; s=s;"
    many = b"".join(one % at + b" h=from; bh=AAAA; b=AAAA\r\n" for at in range(1, 200))

    proof.prove(owner, sender_id, many + content)

    assert len(dns.asked) <= proof.MOST_QUESTIONS
