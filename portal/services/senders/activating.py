"""Choosing what carries the mail: activate, roll back, disable, delete."""

from __future__ import annotations

from dataclasses import dataclass

from portal.errors import Invalid
from portal.services import audit
from portal.services.actor import Actor, Role
from portal.services.senders.finding import find, numbered
from portal.services.senders.routing import lock, move
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Route, Sender, SenderSecret, SenderVersion

IN_USE = (
    "This sender carries the mail now. Choose another one, or stop using it, before"
    " it is deleted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTo:
    """A route that was moved, and the fence that it has from then on."""

    fence: int


def move_to(actor: Actor, version: SenderVersion) -> MovedTo | None:
    """Inside the caller's transaction: let this version carry the mail.

    None when it does already: nothing moves. Raises Missing when the sender was
    deleted meanwhile.
    """
    lock(actor.here.id)
    before = _active(actor)
    if before is not None and before.id == version.id:
        return None
    find(actor, version.sender.public_id)
    fence = move(actor.here.id, version.id)
    back = (
        before is not None
        and before.sender_id == version.sender_id
        and version.number < before.number
    )
    _record(
        actor,
        "sender.rolled_back" if back else "sender.activated",
        version,
        {"version": version.number, "before": _named(before), "fence": fence},
    )
    if before is None:
        _record(
            actor,
            "admin.integration_email_smtp_enabled",
            version,
            {"version": version.number},
        )
    return MovedTo(fence=fence)


def stop_using(actor: Actor) -> MovedTo | None:
    """Back to the platform default (or the sandbox); None when there already."""
    actor.require(Role.ADMIN)
    with transaction():
        lock(actor.here.id)
        before = _active(actor)
        if before is None:
            return None
        fence = move(actor.here.id, None)
        _record(
            actor,
            "admin.integration_email_smtp_disabled",
            before,
            {"version": before.number, "fence": fence},
        )
    return MovedTo(fence=fence)


def delete(actor: Actor, sender_id: str) -> None:
    """Hide a sender and erase its secrets; its attempts keep their versions."""
    actor.require(Role.OWNER)
    sender = find(actor, sender_id)
    with transaction():
        lock(actor.here.id)
        before = _active(actor)
        if before is not None and before.sender_id == sender.id:
            raise Invalid("sender", IN_USE)
        Sender.update(deleted_at=now()).where(Sender.id == sender.id).execute()
        versions = SenderVersion.select(SenderVersion.id).where(
            SenderVersion.sender == sender
        )
        SenderSecret.delete().where(SenderSecret.version.in_(versions)).execute()
        audit.record(
            actor,
            "sender.deleted",
            subject_kind="sender",
            subject_id=sender.public_id,
            detail={"name": sender.name},
        )


def chosen(
    actor: Actor, sender_id: str, number: int
) -> tuple[SenderVersion, MovedTo | None]:
    """Activate a version by its number. Raises Missing."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    version = numbered(sender, number)
    with transaction():
        moved = move_to(actor, version)
    return version, moved


def untested_warning(version: SenderVersion) -> str | None:
    """What to say when an untried version carries mail; it warns, never refuses."""
    if version.test_status == "sent":
        return None
    if version.tested_at is None:
        return f"Version {version.number} was never tested."
    return f"The last test of version {version.number} did not pass."


def _active(actor: Actor) -> SenderVersion | None:
    found: SenderVersion | None = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .join(Route, on=(Route.active_version == SenderVersion.id))
        .where(Route.tenant == actor.here.id)
        .first()
    )
    return found


def _named(version: SenderVersion | None) -> str | None:
    return f"{version.sender.name}, version {version.number}" if version else None


def _record(
    actor: Actor, event: str, version: SenderVersion, detail: dict[str, object]
) -> None:
    audit.record(
        actor,
        event,
        subject_kind="sender",
        subject_id=version.sender.public_id,
        detail={"name": version.sender.name, **detail},
    )
