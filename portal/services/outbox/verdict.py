"""What a conversation said of a mail, in the words that the outbox writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from portal.services.outbox.states import State


class Answer(StrEnum):
    """How far the final dot came, and what was said to it."""

    BEFORE = "before"  # no mark, so no dot
    KEPT = "kept"  # 2yz
    DEFERRED = "deferred"  # 4yz
    REFUSED = "refused"  # 5yz
    NOT_WRITTEN = "not_written"  # a mark, but surely no dot
    NONE = "none"  # time-out, closed, garbage: nobody knows


class Wait(StrEnum):
    """Until when a recipient waits that was not sent."""

    NOT = "not"  # due at once
    BACKOFF = "backoff"
    GREYLIST = "greylist"
    SENDER = "sender"  # for its sender: `pause` says how long
    THROTTLE = "throttle"  # the same, and at least its own back-off


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where one recipient shall go: queued, deferred or failed."""

    to: State
    wait: Wait = Wait.BACKOFF
    counted: bool = True
    reply: Mapping[str, Any] | None = None
    stage: str | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people are shown of an attempt; no rule reads it."""

    outcome: str
    stage: str | None = None
    relay: str | None = None  # host:port
    reply: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
    diagnosis: Mapping[str, Any] | None = None
    ms: int = 0
    transcript: tuple[tuple[str, str, bool], ...] = ()

    def columns(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "stage": self.stage,
            "relay": self.relay,
            "reply": _plain(self.reply),
            "failure": _plain(self.failure),
            "diagnosis": _plain(self.diagnosis),
            "ms": self.ms,
            "transcript": [list(line) for line in self.transcript],
        }

    def audited(self) -> dict[str, Any]:
        """For the audit row: what happened, without the transcript."""
        told = {
            "relay": self.relay,
            "stage": self.stage,
            "reply": _plain(self.reply),
            "diagnosis": _plain(self.diagnosis),
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of an attempt. `verdicts` by recipient id; `rest` for all others."""

    answer: Answer
    rest: Verdict
    told: Told
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    pause: timedelta | None = None  # of the sender, for Wait.SENDER

    def of(self, recipient_id: int) -> Verdict:
        return self.verdicts.get(recipient_id, self.rest)


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)
