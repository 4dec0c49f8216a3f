"""The domains of a tenant at one look: for the cards of its senders and its overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from peewee import fn

from portal.deliverability.types import CheckName, Status
from portal.services.actor import Actor, Role
from portal.services.domains.types import Attention, Badge, Failing
from portal.services.domains.watched import is_in_use
from portal.services.reasons.words import label
from portal.store.models import DomainCheck, DomainVerdict, DomainWatch, Sender

_WORDS = {
    Status.PASS: "DNS in order",
    Status.WARN: "DNS could be better",
    Status.FAIL: "DNS failing",
    Status.UNKNOWN: "DNS not known",
    Status.INFO: "DNS in order",
}
_ORDER = {Status.FAIL.value: 0, Status.WARN.value: 1}


def badges(actor: Actor) -> Mapping[str, Badge]:
    """By the public id of the sender; those that were never checked are not there."""
    actor.require(Role.VIEWER)
    newest = (
        DomainCheck.select(fn.MAX(DomainCheck.id))
        .join(Sender)
        .where(
            DomainCheck.tenant == actor.here.id,
            DomainCheck.status.is_null(False),
            Sender.deleted_at.is_null(),
        )
        .group_by(DomainCheck.sender)
    )
    rows = (
        DomainCheck.select(DomainCheck, Sender)
        .join(Sender)
        .where(DomainCheck.id.in_(newest))
    )
    return {row.sender.public_id: badge_of(row) for row in rows}


def badge_of(row: DomainCheck) -> Badge:
    """Of a check that has ended."""
    status = Status(row.status or Status.UNKNOWN)
    failing = [each for each in row.checks if each["status"] == Status.FAIL.value]
    return Badge(status=status, word=_WORDS[status], failing=len(failing))


def attention(actor: Actor) -> tuple[Attention, ...]:
    """Watched senders in use whose DNS got worse and was not mended since."""
    actor.require(Role.VIEWER)
    rows = (row for row in _watches(actor) if row.is_on and row.told)
    return tuple(_attention(row) for row in rows)


def failing(actor: Actor) -> tuple[Failing, ...]:
    """Senders in use that were never in order, as far as anybody has looked."""
    actor.require(Role.VIEWER)
    rows = [row for row in _watches(actor) if not row.told]
    return tuple(_failing(row) for row in rows if _has_failed(row))


def _watches(actor: Actor) -> list[DomainWatch]:
    rows = (
        DomainWatch.select(DomainWatch, Sender)
        .join(Sender)
        .where(Sender.tenant == actor.here.id, Sender.deleted_at.is_null())
    )
    return [row for row in rows if is_in_use(row.sender)]


def _has_failed(row: DomainWatch) -> bool:
    """By the last verdict, which knows what is required."""
    status = (
        DomainVerdict.select(DomainVerdict.status)
        .where(DomainVerdict.sender == row.sender_id)
        .order_by(DomainVerdict.day.desc())
        .limit(1)
        .scalar()
    )
    return bool(status == Status.FAIL.value)


def _failing(row: DomainWatch) -> Failing:
    fails = [k for k, v in row.known.items() if v["status"] == Status.FAIL.value]
    return Failing(
        sender_id=row.sender.public_id,
        sender=row.sender.name,
        domain=row.subject.partition(" ")[0],
        checks=tuple(label(name) for name in CheckName if name in fails),
    )


def _attention(row: DomainWatch) -> Attention:
    told = sorted(row.told.values(), key=lambda each: _ORDER.get(each["status"], 2))
    return Attention(
        sender_id=row.sender.public_id,
        sender=row.sender.name,
        domain=row.subject.partition(" ")[0],
        since=min(datetime.fromisoformat(each["since"]) for each in told),
        turned=tuple(each["sentence"] for each in told),
        status=Status(told[0]["status"]),
    )
