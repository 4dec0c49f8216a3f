"""What happened, for good: one chain of hashes a tenant, only ever added to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from portal.errors import Missing
from portal.services.actor import Actor, Role
from portal.store import chain
from portal.store.database import connection, joined
from portal.store.fields import micros, now
from portal.store.models import AuditEvent, AuditHead

EXPORT_PAGE = 500
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    id: str
    at: datetime
    event: str
    actor: str
    ip: str | None
    subject_kind: str | None
    subject_id: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first. `next` is the `after` of the page behind this one."""

    events: tuple[EventView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a check found: `broken_at` is the first event that does not fit."""

    length: int
    broken_at: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event before it is in its chain."""

    actor: Actor
    event: str
    subject_kind: str | None
    subject_id: str | None
    detail: Mapping[str, Any]


def record(
    actor: Actor,
    event: str,
    *,
    subject_kind: str | None = None,
    subject_id: str | None = None,
    detail: Mapping[str, Any] = _NOTHING,
) -> None:
    """Add an event to the chain of the actor's tenant, or of the installation.

    In the caller's transaction, and best as its last statement: the end of the
    chain stays locked until the commit. `detail` is JSON; never a secret.
    """
    record_all([Happened(actor, event, subject_kind, subject_id, detail)])


def record_all(happened: Sequence[Happened]) -> None:
    """As `record`, several at once, some hundreds at most; of several tenants, each
    in its own chain."""
    chains: dict[int, list[chain.Link]] = {}
    for each in happened:
        link = _link_of(each)
        chains.setdefault(link.tenant_id or 0, []).append(link)
    with joined():
        for _, links in sorted(chains.items()):  # all lock them in this order
            previous = chain.head(links[0].tenant_id)
            hashes = list(accumulate(links, _hash, initial=previous))[1:]
            chain.append(links, hashes, previous=previous)


def events(
    actor: Actor,
    *,
    event: str | None = None,
    person: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """The events of the actor's tenant; without a tenant, the installation's.

    `event` is a name (`email.sent`) or its beginning (`email.`); `person` is who,
    as shown. Raises Missing for an `after` that is not of this chain.
    """
    ours = _readable(actor)
    query = AuditEvent.select().where(ours).order_by(AuditEvent.id.desc())
    if event:
        name = AuditEvent.event
        query = query.where(
            name.startswith(event) if event.endswith(".") else name == event
        )
    if person:
        query = query.where(AuditEvent.actor == person)
    if after:
        last = AuditEvent.get_or_none(ours, AuditEvent.public_id == after)
        if last is None:
            raise Missing("There is no such event.")
        query = query.where(AuditEvent.id < last.id)
    rows = list(query.limit(limit + 1))
    more = len(rows) > limit
    return Page(
        events=tuple(_view(row) for row in rows[:limit]),
        next=rows[limit - 1].public_id if more else None,
    )


def every(
    actor: Actor, *, event: str | None = None, person: str | None = None
) -> Iterator[EventView]:
    """All of them, newest first, read page by page: for an export that is still
    being written when its request has given its connection back."""
    after: str | None = None
    while True:
        with connection():
            page = events(
                actor, event=event, person=person, after=after, limit=EXPORT_PAGE
            )
        yield from page.events
        if page.next is None:
            return
        after = page.next


def verify(actor: Actor) -> Chain:
    """Follow the chain from its start to its head."""
    ours = _readable(actor)
    previous, length = chain.START, 0
    rows = AuditEvent.select().where(ours).order_by(AuditEvent.id)
    for row in rows.iterator():
        if row.previous != previous or row.hash != _hash(previous, _link(row)):
            return Chain(length=length, broken_at=row.public_id)
        previous, length = row.hash, length + 1
    head = AuditHead.get_or_none(AuditHead.tenant_id == _key(actor))
    if head is not None and (head.hash, head.length) != (previous, length):
        return Chain(length=length, broken_at="the end")
    return Chain(length=length, broken_at=None)


def _readable(actor: Actor) -> Any:
    """The condition that holds for the rows of this actor's chain alone."""
    if actor.tenant is None:
        actor.require_operator()
        return AuditEvent.tenant.is_null()
    actor.require(Role.VIEWER)
    return AuditEvent.tenant == actor.tenant.id


def _key(actor: Actor) -> int:
    return actor.tenant.id if actor.tenant else 0


def _hash(previous: str, link: chain.Link) -> str:
    content = [
        link.public_id,
        link.tenant_id,
        link.at,
        link.event,
        link.actor,
        link.ip,
        link.subject_kind,
        link.subject_id,
        link.detail,
    ]
    return hashlib.sha256(f"{previous}{_canonical(content)}".encode()).hexdigest()


def _link_of(happened: Happened) -> chain.Link:
    actor = happened.actor
    return chain.Link(
        tenant_id=actor.tenant.id if actor.tenant else None,
        at=micros(now()),
        event=happened.event,
        actor=_clean(actor.label)[:300],
        ip=actor.ip,
        subject_kind=happened.subject_kind,
        subject_id=happened.subject_id,
        detail=_storable(happened.detail),
    )


def _link(row: AuditEvent) -> chain.Link:
    return chain.Link(
        public_id=row.public_id,
        tenant_id=row.tenant_id,
        at=micros(row.at),
        event=row.event,
        actor=row.actor,
        ip=row.ip,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        detail=row.detail,
    )


def _storable(detail: Mapping[str, Any]) -> Any:
    """The detail as both engines give it back, so that its hash stays true."""
    text = json.dumps(dict(detail))
    plain = json.loads(text)
    return _clean(plain) if "\\u" in text else plain  # no escape: nothing to clean


def _clean(value: Any) -> Any:
    """PostgreSQL takes neither NUL nor half a surrogate pair."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "\ufffd")
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _view(row: AuditEvent) -> EventView:
    return EventView(
        id=row.public_id,
        at=row.at,
        event=row.event,
        actor=row.actor,
        ip=row.ip,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        detail=row.detail,
    )
