"""Faults 9 to 27: what a relay may do to a mail, and what becomes of the mail.

Each act is one connection; whatever is tried again finds a relay that takes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from portal.delivery.types import Limits
from tests.engine.conftest import PATIENT, QUICK
from tests.faults.relays.acts import (
    DATA,
    DOT,
    KEPT,
    MAIL,
    OPENED,
    RCPT,
    START,
    TAKES,
    acting,
    rcpt,
)
from tests.faults.relays.outboxes import BIG, message_ids, outcomes

THREE = ("a@example.com", "b@example.com", "c@example.com")
SHORT = Limits.every(0.5, 5)
CLOSE = "! close\n"
LEAVES = "S: 250 2.0.0 kept\n! close\n"
GONE = "C: RSET\nS: 250 OK\n! close\n"


@dataclass(frozen=True)
class Fault:
    """`dots` are contents that came whole, so the most copies there can be; `tries`
    those that count for the back-off, by recipient."""

    number: int
    says: str
    acts: tuple[str, ...]
    states: tuple[str, ...] = ("sent",)
    outcomes: tuple[str, ...] = ("deferred", "sent")
    dots: int = 1
    tries: tuple[int, ...] = (1,)
    to: tuple[str, ...] = ("lee@example.com",)
    waits: bool = False  # its pause is an hour: seen as it waits
    big: bool = False
    held: bool = False  # for the sender's sake
    sender: dict[str, object] = field(default_factory=dict)


def refused(words: str) -> str:
    """After the dot; the relay keeps nothing."""
    return OPENED + DATA + DOT + f"S: {words}\n! close\n"


FAULTS = [
    Fault(9, "closed before the greeting", (CLOSE, TAKES), tries=(0,)),
    Fault(10, "silent greeting", ("! silence", TAKES), tries=(0,)),
    Fault(
        11,
        "greeting 554",
        ("S: 554 5.3.2 no\n! close",),
        ("deferred",),
        ("deferred",),
        dots=0,
        tries=(0,),
        waits=True,
        held=True,
    ),
    Fault(12, "closed at MAIL", (START + "C: MAIL *\n! close", TAKES)),
    Fault(13, "450 at MAIL", (START + "C: MAIL *\nS: 450 4.3.0 no\n! close", TAKES)),
    Fault(
        14,
        "550 at MAIL",
        (START + "C: MAIL *\nS: 550 5.7.1 no\n! close",),
        ("failed",),
        ("failed",),
        dots=0,
    ),
    Fault(
        15,
        "450 at one of three RCPT",
        (
            START + MAIL + RCPT + rcpt("450 4.2.1 no") + RCPT + DATA + DOT + LEAVES,
            TAKES,
        ),
        ("sent",) * 3,
        ("partial", "sent"),
        dots=2,
        tries=(0, 1, 0),
        to=THREE,
    ),
    Fault(
        16,
        "550 at one of three RCPT",
        (START + MAIL + RCPT + rcpt("550 5.1.1 no") + RCPT + DATA + DOT + KEPT,),
        ("sent", "failed", "sent"),
        ("partial",),
        tries=(0, 1, 0),
        to=THREE,
    ),
    Fault(
        17,
        "all RCPT refused, mixed",
        (START + MAIL + rcpt("550 5.1.1 no") + rcpt("450 4.2.1 no") + GONE, TAKES),
        ("failed", "sent"),
        tries=(1, 1),
        to=THREE[:2],
    ),
    Fault(
        18,
        "421 at RCPT",
        (START + MAIL + rcpt("421 4.3.2 no") + CLOSE, TAKES),
        tries=(0,),
    ),
    Fault(19, "451 to DATA", (OPENED + "C: DATA\nS: 451 4.3.0 no\n! close", TAKES)),
    Fault(
        20,
        "554 to DATA",
        (OPENED + "C: DATA\nS: 554 5.6.0 no\n! close",),
        ("failed",),
        ("failed",),
        dots=0,
    ),
    Fault(21, "closed after 354", (OPENED + DATA + CLOSE, TAKES), big=True),
    Fault(
        22,
        "closed in mid-body",
        (OPENED + DATA + "! read 70000\n! reset", TAKES),
        big=True,
    ),
    Fault(
        23,
        "closed after the dot, whether kept or not nobody knows (24)",
        (OPENED + DATA + DOT + CLOSE, TAKES),
        outcomes=("uncertain", "sent"),
        dots=2,
        tries=(0,),
    ),
    Fault(
        24,
        "kept, closed before the reply, and the sender says hold",
        (OPENED + DATA + DOT + CLOSE, TAKES),
        ("uncertain",),
        ("uncertain",),
        tries=(0,),
        sender={"on_lost_reply": "hold"},
    ),
    Fault(25, "451 after the dot", (refused("451 4.3.0 no"), TAKES), dots=2),
    Fault(
        25,
        "554 after the dot",
        (refused("554 5.6.0 no"),),
        ("failed",),
        ("failed",),
    ),
    Fault(
        25,
        "552 after the dot",
        (refused("552 5.3.4 no"),),
        ("failed",),
        ("failed",),
    ),
    Fault(
        26,
        "252 after the dot",
        (refused("252 2.1.5 perhaps"),),
        ("sent",),
        ("sent",),
        tries=(0,),
    ),
    Fault(
        27,
        "bytes that are no reply",
        (OPENED + DATA + DOT + "! raw kept, I think\\r\\n\n! silence", TAKES),
        outcomes=("uncertain", "sent"),
        dots=2,
        tries=(0,),
    ),
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.number}-{fault.says}"
)
def test_relay_misbehaves(fault: Fault, engine, post, told):
    """Faults 9 to 27: the states, the tries, the dots and one Message-ID."""
    with acting(*fault.acts) as relay:
        post.through(relay, **fault.sender)
        engine(PATIENT if fault.waits else QUICK, limits=SHORT)

        message = post.mail(*fault.to, **({"body": BIG} if fault.big else {}))

        post.until(message, *fault.states)
        rows = post.recipients(message)
        assert outcomes(post, message) == list(fault.outcomes)
        assert tuple(row.tries for row in rows) == fault.tries
        assert len(relay.contents) == fault.dots
        assert message_ids(relay) <= {message.message_id}
        assert [row.held_fence is not None for row in rows] == [fault.held] * len(rows)
        assert relay.surprise is None
        if len(rows) > 1:  # who was taken, or refused for good, is not asked again
            asked = [relay.commands.count(f"RCPT TO:<{row.address}>") for row in rows]
            assert asked == [1 + (row.state == "sent" and row.tries) for row in rows]
    told(fault.number, fault.says, _held(fault))


def _held(fault: Fault) -> str:
    dots = "1 dot" if fault.dots == 1 else f"{fault.dots} dots"
    ends = ", ".join(fault.states)
    return f"{' then '.join(fault.outcomes)}; {ends}; {dots}, the same Message-ID"
