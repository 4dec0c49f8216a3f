"""The end of an attempt together with what it taught of its sender."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.services import fallback
from portal.services.actor import Actor
from portal.services.outbox import results, standing
from portal.services.outbox.claim import Claimed
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One of these; most attempts teach nothing new."""

    throttled: bool = False  # the relay wants less of it
    failed: bool = False  # no way in, or MAIL refused
    alone: bool = False  # by an answer to this mail alone
    works: bool = False  # after failures


def conclude(
    actor: Actor, claimed: Claimed, ending: Ending, lesson: Lesson, timing: Timing
) -> bool:
    """As `results.record`, in whose transaction the sender's standing changes too."""
    name = claimed.standing
    if name is not None and lesson.throttled:
        ending = replace(ending, pause=standing.throttle(name, timing))
    written = results.record(actor, claimed.attempt_id, ending, timing)
    if name is None or not written:
        return written
    if lesson.works:
        standing.works(name)
    if lesson.failed:
        failures = standing.failed(name, timing, alone=lesson.alone)
        why = ending.told.diagnosis or {}
        fallback.fall_back(
            actor,
            claimed.lane.version_id,
            failures=failures,
            why={
                "title": why.get("title"),
                "cause": why.get("cause"),
                "remedy": why.get("remedy"),
                "relay": ending.told.relay,
            },
            timing=timing,
        )
    return written
