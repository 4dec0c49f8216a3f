"""Which answers ask for less, rather than refuse a mail.

By code and by diagnosis, never by unknown text alone: a relay that says 5yz has
refused, whatever it adds.
"""

from __future__ import annotations

from dataclasses import replace

from portal.delivery.types import Outcome, Reply
from portal.services.outbox.classify import OF_THE_SENDER, Judgement
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Verdict, Wait

_CODES = (421, 432, 450, 451, 452, 454)
# RFC 3463 §3.4, §3.5: not accepting now, congestion; 4.7.28 is what large
# receivers say of an unusual rate.
_ENHANCED = ("4.3.2", "4.4.5", "4.7.28")
_CAUSES = frozenset(
    {"rate_limited", "too_many_connections", "auth_rate_limited", "quota_exceeded"}
)
_OF_A_MAILBOX = "4.2."  # RFC 3463 §3.3: the addressee's trouble, not the sender's


def asks_for_less(outcome: Outcome, cause: str | None) -> bool:
    """`cause` is the diagnosis of this outcome."""
    reply = _reply(outcome)
    if reply is None or not reply.transient:
        return False
    if (reply.enhanced or "").startswith(_OF_A_MAILBOX):
        return False
    # Before MAIL such a code may as well mean a relay that is down for hours.
    speaks_of_mail = outcome.stage not in OF_THE_SENDER
    if speaks_of_mail and reply.enhanced in _ENHANCED:
        return True
    return reply.code in _CODES and cause in _CAUSES


def slowed(judgement: Judgement) -> Judgement:
    """The same end, but the sender is slowed down instead of in trouble: nothing
    fails, and only the mail that got this answer counts a try."""
    return replace(
        judgement,
        rest=_waiting(judgement.rest),
        sender_trouble=False,
        throttled=True,
    )


def _waiting(verdict: Verdict) -> Verdict:
    if verdict.to is not State.DEFERRED or verdict.wait is Wait.SENDER:
        return verdict
    return replace(verdict, wait=Wait.THROTTLE)


def _reply(outcome: Outcome) -> Reply | None:
    if outcome.failure is not None and outcome.failure.reply is not None:
        return outcome.failure.reply
    return outcome.reply
