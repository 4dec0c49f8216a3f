"""What the overview of a tenant shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.services.senders import RouteNow
from portal.services.senders.certificates import Expiring


class Flow(StrEnum):
    """The one sentence of the page, before it is words."""

    LOCKED = "locked"  # the master key is missing: nothing is sent
    NOWHERE = "nowhere"  # no sender, no default, no sandbox
    CAPTURED = "captured"  # the sandbox takes every mail
    HELD = "held"  # the relay refuses us, mail waits
    FLOWING = "flowing"
    READY = "ready"  # nothing has gone through this route yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What became of the mails accepted in one hour."""

    begins_at: datetime
    sent: int = 0
    waiting: int = 0
    failed: int = 0
    captured: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.waiting + self.failed + self.captured


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    queued: int = 0
    sending: int = 0
    deferred: int = 0
    uncertain: int = 0
    oldest_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def total(self) -> int:
        return self.queued + self.sending + self.deferred


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The newest attempt that failed for the sender's sake, and what it holds."""

    held: int
    since: datetime
    title: str
    relay: str
    reply: str
    message_id: str  # public, of one failed attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    message_id: str  # public
    subject: str
    to: str
    state: str
    at: datetime
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a tenant has done so far."""

    sender: bool
    active: bool
    key: bool
    mail: bool

    @property
    def done(self) -> bool:
        return self.active and self.key and self.mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    flow: Flow
    route: RouteNow
    hours: tuple[Hour, ...]
    queue: Queue
    steps: Steps
    failures: tuple[Failed, ...]
    last_at: datetime | None  # the newest mail that the relay accepted
    used: int  # recipients accepted this month
    quota: int | None  # of them, at most; None: no limit
    trouble: Trouble | None = None
    expiring: tuple[Expiring, ...] = ()
