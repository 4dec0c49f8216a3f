"""Messages as callers and pages see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientView:
    """`reply` is {"code", "enhanced", "text"} of the last answer about this one."""

    id: int
    address: str
    field: str  # to, cc, bcc
    status: str
    reply: Mapping[str, Any] | None = None
    stage: str | None = None
    tries: int = 0
    next_at: datetime | None = None  # of queued and deferred
    retry_at: datetime | None = None  # of uncertain; None there: a person decides
    waits_for_sender: bool = False  # deferred for the sender's sake, not its own
    # What it waits for until `next_at` besides its own pause: "sender" (it is in
    # trouble), "pace" (its own limits), "throttle" (its relay wants less).
    waits_for: str | None = None
    settled_at: datetime | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One try. `outcome` None: it runs. `transcript` is (who, text, failed) lines."""

    number: int
    at: datetime
    route: str  # sender, platform, sandbox
    sender: str | None  # its name
    sender_version: int | None
    recipients: tuple[str, ...]
    relay: str | None = None
    stage: str | None = None
    reply: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
    outcome: str | None = None
    ms: int | None = None
    diagnosis: Mapping[str, Any] | None = None
    transcript: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """`attempts` is empty in lists; `diagnosis` is of the last attempt that failed
    somebody who still is not sent."""

    id: str
    status: str
    message_id: str
    captured: bool
    subject: str
    shown_to: str
    kind: str
    tags: Mapping[str, str]
    size_bytes: int
    origin: str
    cancel_asked: bool
    accepted_at: datetime
    scheduled_at: datetime | None
    expires_at: datetime
    settled_at: datetime | None
    recipients: tuple[RecipientView, ...]
    by: str | None = None  # the name of its key; None: the portal, or a key now gone
    attempts: tuple[AttemptView, ...] = ()
    diagnosis: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`after` is the id of the last message of the page before; `search` is looked
    for in subject, Message-ID and recipients, `to` is exactly a recipient."""

    status: str | None = None
    kind: str | None = None
    to: str | None = None
    search: str | None = None
    since: datetime | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first. `next` is the `after` of the page that follows."""

    messages: tuple[MessageView, ...]
    next: str | None
