"""Fallback: the platform default stands in for a sender in trouble, and hands back.

Both are moves of the route like any other: fence + 1, one
transaction with its audit row and with the alert that tells the tenant's people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from portal.services import alerts, audit
from portal.services.actor import Actor
from portal.services.outbox import standing
from portal.services.outbox.rows import moment
from portal.services.outbox.timing import Timing
from portal.services.senders.activating import come_back
from portal.services.senders.fields import SANDBOX
from portal.services.senders.routing import lock, move
from portal.services.tenants import tenant_ref
from portal.store.models import Route, Sender, SenderVersion, Tenant

# A sender that fails again so soon was not mended: its probes go on getting rarer.
RELAPSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A sender to be tried now, by whoever has taken this; `number` from 1."""

    tenant_id: int
    version_id: int
    fence: int
    number: int


def fall_back(
    actor: Actor,
    version_id: int | None,
    *,
    failures: int,
    why: Mapping[str, Any],
    timing: Timing,
) -> bool:
    """In the caller's transaction: stand in for this version, if it is so wished,
    if it failed often enough, and if there is a platform default at all."""
    version = _version(version_id)
    if version is None or actor.installation.settings.default_sender is None:
        return False
    after = version.settings.get("fallback_after")
    if not after or failures < after or version.provider == SANDBOX:
        return False
    here = actor.within(tenant_ref(version.sender.tenant))
    lock(here.here.id)
    route = Route.get(Route.tenant == here.here.id)
    if route.active_version_id != version.id:
        return False
    at = moment()
    relapsed = at - route.changed_at < RELAPSE
    probes = route.probes if relapsed else 0
    fence = move(here.here.id, None)
    Route.update(
        fallback_version_id=version.id,
        fallback_at=at,
        fallback_why={**why, "failures": failures},
        probe_at=at + _pause(timing, probes + 1),
        probes=probes,
    ).where(Route.tenant == here.here.id).execute()
    alerts.fell_back(here, version, failures=failures, why=why)
    _record(here, "sender.fell_back", version, fence, {"failures": failures, **why})
    return True


def is_due() -> bool:
    """Whether a sender waits for its trial; read apart, it writes nothing."""
    return bool(Route.select().where(_due()).exists())


def take_trial(timing: Timing) -> Trial | None:
    """The next sender to try, if there is one; no other process has it too."""
    route = Route.select().where(_due()).order_by(Route.probe_at).first()
    if route is None:
        return None
    number = route.probes + 1
    taken = (
        Route.update(probe_at=moment() + _pause(timing, number + 1), probes=number)
        .where(Route.tenant == route.tenant_id, Route.fence == route.fence, _due())
        .execute()
    )
    if not taken:
        return None
    return Trial(
        tenant_id=route.tenant_id,
        version_id=route.fallback_version_id,
        fence=route.fence,
        number=number,
    )


def hand_back(actor: Actor, trial: Trial) -> bool:
    """Its relay let it in: the sender carries its mail again, unless a person has
    moved the route meanwhile."""
    version = _version(trial.version_id)
    if version is None:
        return False
    here = actor.within(tenant_ref(version.sender.tenant))
    lock(trial.tenant_id)
    route = Route.get(Route.tenant == trial.tenant_id)
    unmoved = route.fence == trial.fence
    if not unmoved or route.fallback_version_id != trial.version_id:
        return False
    standing.works(standing.name_of(version.sender_id))
    come_back(here, version, probes=trial.number)
    alerts.returned(here, version, since=route.fallback_at)
    return True


def _due() -> Any:
    return Route.fallback_version_id.is_null(False) & (Route.probe_at <= moment())


def _pause(timing: Timing, number: int) -> timedelta:
    return timedelta(seconds=timing.breaker_pause_s(number))


def _version(version_id: int | None) -> SenderVersion | None:
    found: SenderVersion | None = (
        SenderVersion.select(SenderVersion, Sender, Tenant)
        .join(Sender)
        .join(Tenant)
        .where(SenderVersion.id == version_id, Sender.deleted_at.is_null())
        .first()
    )
    return found


def _record(
    actor: Actor, event: str, version: SenderVersion, fence: int, more: dict[str, Any]
) -> None:
    audit.record(
        actor,
        event,
        subject_kind="sender",
        subject_id=version.sender.public_id,
        detail={
            "name": version.sender.name,
            "version": version.number,
            "fence": fence,
            **more,
        },
    )
