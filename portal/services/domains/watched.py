"""Which version of a sender the watch looks after, and for whom it carries mail."""

from __future__ import annotations

from typing import Any

from portal.deliverability.types import Subject
from portal.store.models import Route, Sender, SenderVersion


def version_of(sender: Sender) -> int | None:
    """The id of the one that carries the mail or is stood in for, else the newest."""
    carrying = _carrying(sender)
    if carrying is not None:
        return carrying
    newest: Any = (
        SenderVersion.select(SenderVersion.id)
        .where(SenderVersion.sender == sender.id, SenderVersion.number == sender.latest)
        .scalar()
    )
    return None if newest is None else int(newest)


def number_in_use(sender: Sender) -> int | None:
    """Of the version that carries the mail or is stood in for."""
    found: int | None = (
        SenderVersion.select(SenderVersion.number)
        .where(SenderVersion.id == _carrying(sender))
        .scalar()
    )
    return found


def is_in_use(sender: Sender) -> bool:
    return sender.deleted_at is None and _carrying(sender) is not None


def provider_name(subject: Subject) -> str | None:
    """As sentences name it; None for a relay of one's own."""
    expectation = subject.expectation
    if expectation is None or expectation.own_relay:
        return None
    return expectation.name


def _carrying(sender: Sender) -> int | None:
    route = Route.get_or_none(Route.tenant == sender.tenant_id)
    if route is None:
        return None
    found = route.active_version_id or route.fallback_version_id
    ours = SenderVersion.select().where(
        SenderVersion.id == found, SenderVersion.sender == sender.id
    )
    return int(found) if found is not None and ours.exists() else None
