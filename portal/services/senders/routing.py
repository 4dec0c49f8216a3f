"""Where a tenant's mail goes now, and the one way to move it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal.services import audit
from portal.services.actor import Actor
from portal.services.installation import Installation
from portal.services.senders.digesting import keyed
from portal.services.senders.fields import SANDBOX
from portal.services.senders.kinds import RouteKind
from portal.store.database import statement, transaction
from portal.store.fields import now
from portal.store.models import (
    Attempt,
    Message,
    Note,
    Route,
    Sender,
    SenderVersion,
    Tenant,
)

CUT_OVER_PATIENCE_S = 30.0
NOTICE_S = 2.0
_PAUSE_S = 0.05
_PLATFORM = "platform_fingerprint"
# By hand, since every accepted mail asks it.
_NOW = (
    "SELECT r.fence, v.id, v.number, v.provider, v.settings ->> 'host',"
    " s.public_id, s.name FROM route r"
    " LEFT JOIN sender_version v ON v.id = r.active_version_id"
    " LEFT JOIN sender s ON s.id = v.sender_id WHERE r.tenant_id = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """The platform default stands in for this sender, which is in trouble.

    `title` and `cause` are of the last failure's diagnosis, `probe_at` says when
    the sender is tried again.
    """

    sender_id: str  # public
    sender: str
    version: int
    since: datetime
    title: str
    cause: str | None
    relay: str | None
    failures: int
    probe_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNow:
    """A tenant's route as one query saw it.

    `captured`: the sandbox takes the mail, be it because the active sender is one
    of provider `sandbox` (kind "sender") or because there is nothing else (kind
    "sandbox"); only a process with a sandbox may claim it. `host` is None then.
    """

    kind: RouteKind
    version_id: int | None
    fence: int
    label: str
    host: str | None
    captured: bool
    sender_id: str | None = None  # public
    version: int | None = None  # the number, for people
    stands_in: StandIn | None = None  # why it is not the tenant's own


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """Attempts of older fences whose final dot has no answer (outbox line 27).

    `waiting` are under way; `uncertain` have ended without an answer.
    """

    waiting: int = 0
    uncertain: int = 0


def route_now(installation: Installation, tenant_id: int) -> RouteNow:
    """The active version, else the platform default, else the sandbox, else none."""
    row = statement(_NOW, tenant_id).fetchone()
    fence, version_id, *version = row or (0, None)
    if version_id is not None:
        return _through(version_id, fence, *version)
    default = installation.settings.default_sender
    if default:
        found = _without_version(
            RouteKind.PLATFORM, fence, "Platform default", default.host
        )
        return replace(found, stands_in=_stand_in(tenant_id))
    if installation.sandbox_port() is not None:
        return _without_version(RouteKind.SANDBOX, fence, "Sandbox", None)
    return _without_version(RouteKind.NONE, fence, "", None)


def lock(tenant_id: int) -> None:
    """Two moves of one route go one after the other, until the caller's COMMIT.

    The route comes before the chain of audit, here as in the outbox.
    """
    Route.insert(tenant=tenant_id).on_conflict_ignore().execute()
    Route.update(fence=Route.fence).where(Route.tenant == tenant_id).execute()


def move(tenant_id: int, version_id: int | None) -> int:
    """Point the locked route at a version (None: at the platform) and raise its
    fence, which is the answer. Nothing stands in for anybody after it."""
    Route.update(
        active_version=version_id,
        fence=Route.fence + 1,
        changed_at=now(),
        fallback_version_id=None,
        fallback_at=None,
        fallback_why=None,
        probe_at=None,
    ).where(Route.tenant == tenant_id).execute()
    fence: int = Route.select(Route.fence).where(Route.tenant == tenant_id).scalar()
    return fence


def left_behind(tenant_id: int, fence: int) -> LeftBehind:
    open_dots = (
        Attempt.select(Attempt.ended_at)
        .join(Message)
        .where(
            Message.tenant == tenant_id,
            Attempt.dot_at.is_null(False),
            Attempt.answer.is_null(),
            Attempt.claimed_fence < fence,
        )
    )
    under_way = [attempt.ended_at is None for attempt in open_dots]
    return LeftBehind(waiting=under_way.count(True), uncertain=under_way.count(False))


def wait_for_older(
    tenant_id: int, fence: int, *, patience_s: float = CUT_OVER_PATIENCE_S
) -> LeftBehind:
    """After the move's COMMIT: give attempts that own a dot the time to end.

    Those without one can write none any more; they get a moment to notice, so
    that not even a MAIL of theirs comes later than the answer.
    """
    begun_at = time.monotonic()
    ends_at, noticed_at = begun_at + patience_s, begun_at + NOTICE_S
    while True:
        left, here = left_behind(tenant_id, fence), time.monotonic()
        under_way = here < noticed_at and _is_any_under_way(tenant_id, fence)
        if here >= ends_at or not (left.waiting or under_way):
            return left
        time.sleep(_PAUSE_S)


def _is_any_under_way(tenant_id: int, fence: int) -> bool:
    query = Attempt.select().join(Message)
    return bool(
        query.where(
            Message.tenant == tenant_id,
            Attempt.ended_at.is_null(),
            Attempt.claimed_fence < fence,
        ).exists()
    )


def adopt_platform(installation: Installation) -> bool:
    """At start: a platform default that changed since the last start moves the
    route of every tenant that goes through it. Answers whether it did."""
    if installation.vault.locked:
        return False  # nothing is sent, so nothing moves
    default = installation.settings.default_sender
    secret = default.password.reveal() if default and default.password else ""
    found = keyed(installation.vault, f"{default!r}\0{secret}").encode()
    with transaction():
        note = Note.get_or_none(Note.name == _PLATFORM)
        if note and bytes(note.value) == found:
            return False
        Note.insert(name=_PLATFORM, value=found).on_conflict(
            conflict_target=[Note.name], update={Note.value: found}
        ).execute()
        if note is None and default is None:
            return False
        _raise_fences(stands_in=default is not None)
        audit.record(
            Actor(installation=installation, system="start"),
            "platform.default_sender_changed",
            detail={"host": default.host if default else None},
        )
    return True


def _raise_fences(*, stands_in: bool) -> None:
    """Without a platform default nobody stands in for a sender: it is on its own."""
    for tenant in Tenant.select(Tenant.id):
        Route.insert(tenant=tenant.id).on_conflict_ignore().execute()
    left = Route.select().where(Route.fallback_version_id.is_null(False))
    for route in () if stands_in else left:
        move(route.tenant_id, route.fallback_version_id)
    Route.update(fence=Route.fence + 1, changed_at=now()).where(
        Route.active_version.is_null()
    ).execute()


def _stand_in(tenant_id: int) -> StandIn | None:
    row = Route.get_or_none(Route.tenant == tenant_id)
    if row is None or row.fallback_version_id is None:
        return None
    version = (
        SenderVersion.select(SenderVersion.number, Sender.public_id, Sender.name)
        .join(Sender)
        .where(SenderVersion.id == row.fallback_version_id)
        .get()
    )
    why: Mapping[str, Any] = row.fallback_why or {}
    return StandIn(
        sender_id=version.sender.public_id,
        sender=version.sender.name,
        version=version.number,
        since=row.fallback_at,
        title=why.get("title") or "",
        cause=why.get("cause"),
        relay=why.get("relay"),
        failures=why.get("failures") or 0,
        probe_at=row.probe_at,
    )


def _through(
    version_id: int,
    fence: int,
    number: int,
    provider: str,
    host: str | None,
    sender_id: str,
    label: str,
) -> RouteNow:
    captured = provider == SANDBOX
    return RouteNow(
        kind=RouteKind.SENDER,
        version_id=version_id,
        fence=fence,
        label=label,
        host=None if captured else host,
        captured=captured,
        sender_id=sender_id,
        version=number,
    )


def _without_version(
    kind: RouteKind, fence: int, label: str, host: str | None
) -> RouteNow:
    return RouteNow(
        kind=kind,
        version_id=None,
        fence=fence,
        label=label,
        host=host,
        captured=kind is RouteKind.SANDBOX,
    )
