"""From a verdict to what its recipient takes along: when to try again, and why."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.services.outbox.arrival import Because
from portal.services.outbox.rows import AttemptRow, Case, RecipientRow
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Verdict, Wait
from portal.store.models import SenderVersion

HOLD = "hold"


def because(
    case: Case,
    attempt: AttemptRow,
    recipient: RecipientRow,
    verdict: Verdict,
    timing: Timing,
    pause: timedelta | None = None,
) -> Because:
    """`pause` is the sender's own, while its breaker is open."""
    held = verdict.wait in (Wait.SENDER, Wait.THROTTLE)
    return Because(
        next_at=_next_at(case, recipient, verdict, timing, pause),
        reply=None if verdict.reply is None else dict(verdict.reply),
        stage=verdict.stage,
        counted=verdict.counted,
        held_fence=attempt.claimed_fence if held else None,
        internal=verdict.internal,
    )


def unanswered(case: Case, attempt: AttemptRow, timing: Timing) -> Because:
    """Of a recipient whose dot got no answer (line 12 and 14)."""
    if _holds(attempt):
        return Because()
    pause = timing.uncertain_pause(case.message.kind)
    return Because(retry_at=case.at + pause)


def _next_at(
    case: Case,
    recipient: RecipientRow,
    verdict: Verdict,
    timing: Timing,
    pause: timedelta | None,
) -> datetime:
    if verdict.wait is Wait.NOT:
        return case.at
    if verdict.wait is Wait.SENDER and pause is not None:
        return case.at + pause
    tries = recipient.internal_errors if verdict.internal else recipient.tries
    greylisted = verdict.wait is Wait.GREYLIST
    own = timing.pause(case.message.kind, tries + 1, greylisted=greylisted)
    if verdict.wait is Wait.THROTTLE and pause is not None:
        own = max(own, pause)
    return case.at + own


def _holds(attempt: AttemptRow) -> bool:
    """The sender wants a person to decide instead of a second copy."""
    if attempt.version_id is None:
        return False
    version = SenderVersion.get_or_none(SenderVersion.id == attempt.version_id)
    return version is not None and version.settings.get("on_lost_reply") == HOLD
