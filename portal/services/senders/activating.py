"""Choosing what carries the mail: activate, roll back, disable, delete."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from portal.errors import Invalid
from portal.services import audit
from portal.services.actor import Actor, Role
from portal.services.senders.completeness import require_whole
from portal.services.senders.finding import find, numbered, stored
from portal.services.senders.forgetting import forget_tokens
from portal.services.senders.routing import (
    CUT_OVER_PATIENCE_S,
    LeftBehind,
    lock,
    move,
    wait_for_older,
)
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
    active = _active(actor)
    before = active or stood_in_for(actor)
    if active is not None and active.id == version.id:
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
    """Back to the platform default (or the sandbox); None when there already.

    Where the platform only stood in for a sender, it now stays.
    """
    actor.require(Role.ADMIN)
    return actor.installation.writer.run(partial(_stop_using, actor))


def return_now(
    actor: Actor, *, patience_s: float = CUT_OVER_PATIENCE_S
) -> LeftBehind | None:
    """A person ends the fallback: the sender carries its mail again at once.

    The attempts of the platform default that still own a dot; None when nothing
    stands in for a sender. Raises Forbidden.
    """
    actor.require(Role.ADMIN)
    moved = actor.installation.writer.run(partial(_return, actor))
    if moved is None:
        return None
    actor.installation.bell.ring()
    return wait_for_older(actor.here.id, moved.fence, patience_s=patience_s)


def come_back(actor: Actor, version: SenderVersion, *, probes: int) -> MovedTo:
    """Inside the caller's transaction, the route locked: to the version that the
    platform stood in for."""
    fence = move(actor.here.id, version.id)
    _record(
        actor,
        "sender.returned",
        version,
        {"version": version.number, "fence": fence, "probes": probes},
    )
    return MovedTo(fence=fence)


def delete(actor: Actor, sender_id: str) -> None:
    """Hide a sender and erase its secrets; its attempts keep their versions."""
    actor.require(Role.OWNER)
    sender = find(actor, sender_id)
    with transaction():
        lock(actor.here.id)
        before = _active(actor) or stood_in_for(actor)
        if before is not None and before.sender_id == sender.id:
            raise Invalid("sender", IN_USE)
        Sender.update(deleted_at=now()).where(Sender.id == sender.id).execute()
        versions = SenderVersion.select(SenderVersion.id).where(
            SenderVersion.sender == sender
        )
        SenderSecret.delete().where(SenderSecret.version.in_(versions)).execute()
        forget_tokens(actor)
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
    """Activate a version by its number. Raises Missing, and Invalid for one that
    waits for what it signs in with."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    version = numbered(sender, number)
    known = stored(version)
    provider = actor.installation.catalogue.get(version.provider)
    require_whole(version, known.fields, known.secrets, provider)
    moved = actor.installation.writer.run(partial(move_to, actor, version))
    return version, moved


def untested_warning(version: SenderVersion) -> str | None:
    """What to say when an untried version carries mail; it warns, never refuses."""
    if version.test_status == "sent":
        return None
    if version.tested_at is None:
        return f"Version {version.number} was never tested."
    return f"The last test of version {version.number} did not pass."


def _stop_using(actor: Actor) -> MovedTo | None:
    lock(actor.here.id)
    before = _active(actor) or stood_in_for(actor)
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


def _return(actor: Actor) -> MovedTo | None:
    lock(actor.here.id)
    version = stood_in_for(actor)
    if version is None:
        return None
    probes: int = Route.get(Route.tenant == actor.here.id).probes
    return come_back(actor, version, probes=probes)


def _active(actor: Actor) -> SenderVersion | None:
    found: SenderVersion | None = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .join(Route, on=(Route.active_version == SenderVersion.id))
        .where(Route.tenant == actor.here.id)
        .first()
    )
    return found


def stood_in_for(actor: Actor) -> SenderVersion | None:
    """The version that mail returns to once it works again."""
    found: SenderVersion | None = (
        SenderVersion.select(SenderVersion, Sender)
        .join(Sender)
        .join(Route, on=(Route.fallback_version_id == SenderVersion.id))
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
