"""What became of a message, a recipient, an attempt: in the words of the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from portal.services.outbox.states import FINAL, State
from portal.services.sending import AttemptView, MessageView, RecipientView
from portal.web import words

_WORST = (State.FAILED, State.UNCERTAIN, State.EXPIRED, State.DEFERRED, State.SENT)


def reply(found: Mapping[str, Any] | None) -> str:
    """The relay's own words."""
    return f"{found['code']} {found['text']}" if found else ""


def said(message: MessageView) -> str:
    """The last thing to be told of a message, for one line of a list."""
    if message.captured and message.status == State.SENT:
        return "captured by the sandbox; it reached nobody"
    for state in _WORST:
        for each in message.recipients:
            if each.status == state:
                return _of_recipient(each)
    return "next in line" if message.status == State.QUEUED else ""


def _of_recipient(each: RecipientView) -> str:
    told = reply(each.reply)
    if each.status == State.EXPIRED:
        return "not sent in its time" + (f": {told}" if told else "")
    if each.status == State.UNCERTAIN:
        return "no answer after the final dot"
    if each.status == State.DEFERRED:
        why = told or ("the sender cannot be used" if each.waits_for_sender else "")
        again = f"again at {words.when(each.next_at)}" if each.next_at else ""
        return "; ".join(part for part in (why, again) if part)
    return told


def outcome(attempt: AttemptView) -> tuple[str, str]:
    """State and words of an attempt."""
    told = {
        "sent": ("sent", "accepted"),
        "partial": ("partial", "accepted for some"),
        "failed": ("failed", "refused"),
        "deferred": ("deferred", "try again later"),
        "uncertain": ("uncertain", "no answer after the final dot"),
        "captured": ("captured", "captured"),
    }
    if attempt.outcome is None:
        return "running", "under way"
    return told.get(attempt.outcome, ("unknown", attempt.outcome))


def summary(message: MessageView) -> str:
    """`11 sent, 1 failed`; empty where one word says it."""
    counts = Counter(each.status for each in message.recipients)
    if len(counts) < 2:
        return ""
    return ", ".join(f"{many} {state}" for state, many in counts.most_common())


def undecided(each: RecipientView) -> bool:
    """A person decides: uncertain, and no retry is planned."""
    return each.status == State.UNCERTAIN and each.retry_at is None


def may_cancel(message: MessageView) -> bool:
    open_ones = [each for each in message.recipients if each.status not in FINAL]
    return bool(open_ones) and not message.cancel_asked


def cancelled(message: MessageView) -> tuple[str, str]:
    """The answer to the wish; what is on its way may still arrive."""
    late = [each for each in message.recipients if each.status not in FINAL]
    if not late:
        return "What waited is cancelled.", "pass"
    many = words.count(len(late), "recipient")
    return (
        f"What waited is cancelled. For {many} it was on its way already: it may "
        "still arrive, and is not tried again.",
        "warn",
    )
