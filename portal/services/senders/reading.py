"""Senders as pages and programs see them: never a secret, only that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.errors import Missing
from portal.services.actor import Actor, Role, TenantRef
from portal.services.senders.fields import SenderFields, stored_fields
from portal.services.senders.finding import NO_SENDER, find, newest
from portal.services.senders.sealing import Stamp, read_stamps
from portal.store.models import Route, Sender, SenderVersion, Tenant

_EMPTY: tuple[object, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderView:
    """A sender with its newest version. `active` is the number that carries mail
    now, which may be an older one; `secrets` says who typed each and when."""

    id: str
    name: str
    provider: str
    provider_name: str
    version: int
    active: int | None
    fields: SenderFields
    secrets: Mapping[str, Stamp]
    saved_at: datetime
    saved_by: str | None
    tested_at: datetime | None
    test_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setting that a version changed; of a secret both sides are None."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    number: int
    active: bool
    changes: tuple[Change, ...]  # empty for the first
    saved_at: datetime
    saved_by: str | None
    tested_at: datetime | None
    test_status: str | None


def senders(actor: Actor) -> list[SenderView]:
    """Every sender of the tenant; the one that carries mail comes first."""
    actor.require(Role.VIEWER)
    rows = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(
            Sender.tenant == actor.here.id,
            Sender.deleted_at.is_null(),
            SenderVersion.number == Sender.latest,
        )
        .order_by(Sender.name)
    )
    active = _active(actor)
    views = [_view(actor, version, active) for version in rows]
    return sorted(views, key=lambda view: view.active is None)


def sender(actor: Actor, sender_id: str) -> SenderView:
    """Raises Missing."""
    actor.require(Role.VIEWER)
    return _view(actor, newest(find(actor, sender_id)), _active(actor))


def versions(actor: Actor, sender_id: str) -> list[VersionView]:
    """The newest first. Raises Missing."""
    actor.require(Role.VIEWER)
    found = find(actor, sender_id)
    rows = list(
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .where(SenderVersion.sender == found)
        .order_by(SenderVersion.number)
    )
    active = _active(actor)
    older: list[SenderVersion | None] = [None, *rows[:-1]]
    views = [
        VersionView(
            number=row.number,
            active=active is not None and active.id == row.id,
            changes=_changes(before, row) if before else (),
            saved_at=row.created_at,
            saved_by=row.created_by,
            tested_at=row.tested_at,
            test_status=row.test_status,
        )
        for before, row in zip(older, rows, strict=True)
    ]
    return views[::-1]


def export(actor: Actor, sender_id: str) -> dict[str, Any]:
    """The fields of the newest version as `portal sender apply` reads them; no
    secret is among them. Raises Missing."""
    actor.require(Role.VIEWER)
    version = newest(find(actor, sender_id))
    settings = stored_fields(version.settings).settings()
    return {name: value for name, value in settings.items() if value not in _EMPTY}


def tenant_of(actor: Actor, sender_id: str) -> TenantRef:
    """For the operator's shell, where a sender is named without its tenant."""
    if actor.system is None:
        raise Missing(NO_SENDER)
    row = (
        Sender.select(Sender, Tenant)
        .join(Tenant)
        .where(Sender.public_id == sender_id, Sender.deleted_at.is_null())
        .first()
    )
    if row is None:
        raise Missing(NO_SENDER)
    tenant: Tenant = row.tenant
    return TenantRef(
        id=tenant.id, public_id=tenant.public_id, slug=tenant.slug, name=tenant.name
    )


def _active(actor: Actor) -> SenderVersion | None:
    found: SenderVersion | None = (
        SenderVersion.select()
        .where(
            SenderVersion.id.in_(
                Route.select(Route.active_version).where(Route.tenant == actor.here.id)
            )
        )
        .first()
    )
    return found


def _view(
    actor: Actor, version: SenderVersion, active: SenderVersion | None
) -> SenderView:
    provider = actor.installation.catalogue.get(version.provider)
    carries = active is not None and active.sender_id == version.sender_id
    return SenderView(
        id=version.sender.public_id,
        name=version.sender.name,
        provider=version.provider,
        provider_name=provider.name if provider else version.provider,
        version=version.number,
        active=active.number if active and carries else None,
        fields=stored_fields(version.settings),
        secrets=read_stamps(version),
        saved_at=version.created_at,
        saved_by=version.created_by,
        tested_at=version.tested_at,
        test_status=version.test_status,
    )


def _changes(before: SenderVersion, after: SenderVersion) -> tuple[Change, ...]:
    old = stored_fields(before.settings).settings()
    new = stored_fields(after.settings).settings()
    found = [
        Change(field=name, before=old[name], after=value)
        for name, value in new.items()
        if old[name] != value
    ]
    stamps = read_stamps(before), read_stamps(after)
    found += [
        Change(field=name, before=None, after=None)
        for name in sorted(stamps[0].keys() | stamps[1].keys())
        if stamps[0].get(name) != stamps[1].get(name)
    ]
    return tuple(found)
