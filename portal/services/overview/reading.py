"""The queries behind the overview; each is bounded by an index of the tenant's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from peewee import ModelSelect, fn

from portal.services import quota
from portal.services.actor import Actor, Role
from portal.services.outbox.rows import tuples
from portal.services.outbox.states import PARTIAL, State
from portal.services.overview.views import (
    Failed,
    Flow,
    Hour,
    Overview,
    Queue,
    Steps,
    Trouble,
)
from portal.services.senders import RouteKind, RouteNow, route_now
from portal.services.senders.certificates import expiring
from portal.store.fields import micros, now
from portal.store.models import (
    ApiKey,
    Attempt,
    Message,
    Recipient,
    Route,
    Sender,
    Tenant,
)

HOURS = 24
FAILURES, FAILURE_DAYS = 5, 7
_HOUR_US = 3_600_000_000
_FAILED = (State.FAILED, PARTIAL, State.EXPIRED)
_LEAVING = (State.QUEUED, State.SENDING, State.DEFERRED)
_WAITING = (*_LEAVING, State.UNCERTAIN)


def overview(actor: Actor) -> Overview:
    actor.require(Role.VIEWER)
    tenant = actor.here.id
    route = route_now(actor.installation, tenant)
    last_at, trouble = _last_sent(tenant), _trouble(tenant)
    return Overview(
        flow=_flow(actor, route, last_at, trouble),
        route=route,
        hours=_hours(tenant),
        queue=_queue(tenant),
        steps=_steps(tenant, route),
        failures=_failures(tenant),
        last_at=last_at,
        used=quota.used(actor.here),
        quota=Tenant.select(Tenant.quota).where(Tenant.id == tenant).scalar(),
        trouble=trouble,
        expiring=expiring(actor),
    )


def _flow(
    actor: Actor, route: RouteNow, last_at: datetime | None, trouble: Trouble | None
) -> Flow:
    if actor.installation.vault.locked:
        return Flow.LOCKED
    no_sandbox = route.captured and actor.installation.sandbox_port() is None
    if route.kind is RouteKind.NONE or no_sandbox:
        return Flow.NOWHERE
    if route.captured:
        return Flow.CAPTURED
    if trouble:
        return Flow.HELD
    changed = Route.select(Route.changed_at).where(Route.tenant == actor.here.id)
    moved_at = changed.scalar()
    flowing = last_at is not None and (moved_at is None or last_at >= moved_at)
    return Flow.FLOWING if flowing else Flow.READY


def _last_sent(tenant: int) -> datetime | None:
    row = (
        Message.select(Message.settled_at, Message.accepted_at)
        .where(
            Message.tenant == tenant,
            Message.state == State.SENT,
            Message.captured == False,  # noqa: E712, SQL
        )
        .order_by(Message.id.desc())
        .first()
    )
    return (row.settled_at or row.accepted_at) if row else None


def is_held(tenant_id: int) -> bool:
    """Whether mail waits for the sender, not for its recipients.

    Asks for no right, as `route_now` does: it stands beside a tenant's name.
    """
    return bool(_held(tenant_id).exists())


def _held(tenant: int) -> ModelSelect[Recipient]:
    return Recipient.select().where(
        Recipient.tenant == tenant,
        Recipient.state == State.DEFERRED,
        Recipient.held_fence.is_null(False),
    )


def _trouble(tenant: int) -> Trouble | None:
    held = _held(tenant)
    count = held.count()
    first = held.order_by(Recipient.id).first()
    if first is None:
        return None
    attempts = Attempt.select().where(Attempt.message == first.message_id)
    oldest = attempts.order_by(Attempt.number).first()
    newest = attempts.order_by(Attempt.number.desc()).first()
    message = first.message
    return Trouble(
        held=count,
        since=oldest.started_at if oldest else message.accepted_at,
        title=(newest.diagnosis or {}).get("title", "") if newest else "",
        relay=(newest.relay or "") if newest else "",
        reply=_reply(newest.reply) if newest else "",
        message_id=message.public_id,
    )


def _hours(tenant: int) -> tuple[Hour, ...]:
    last = micros(now()) // _HOUR_US
    first = last - HOURS + 1
    hour = (Message.accepted_at.cast("bigint") / _HOUR_US).alias("hour")
    rows = tuples(
        Message.select(hour, Message.state, Message.captured, fn.COUNT(Message.id))
        .where(Message.tenant == tenant, Message.accepted_at >= first * _HOUR_US)
        .group_by(hour, Message.state, Message.captured)
    )
    counts: dict[int, dict[str, int]] = {}
    for number, state, captured, many in rows:
        series = _series(state, captured)
        if series:
            of_hour = counts.setdefault(int(number), {})
            of_hour[series] = of_hour.get(series, 0) + many
    return tuple(
        Hour(begins_at=_instant(number), **counts.get(number, {}))
        for number in range(first, last + 1)
    )


def _series(state: str, captured: bool) -> str | None:
    if state in _FAILED:
        return "failed"
    if state in _WAITING:
        return "waiting"
    if state == State.SENT:
        return "captured" if captured else "sent"
    return None  # cancelled: somebody's wish, no outcome


def _instant(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, tz=UTC)


def _queue(tenant: int) -> Queue:
    ours = Message.select().where(Message.tenant == tenant)
    rows = tuples(
        Message.select(Message.state, fn.COUNT(Message.id))
        .where(Message.tenant == tenant, Message.state.in_(_WAITING))
        .group_by(Message.state)
    )
    waiting = ours.where(Message.state.in_(_LEAVING))
    oldest = waiting.order_by(Message.id).first()
    next_at = (
        Recipient.select(fn.MIN(Recipient.next_at))
        .where(Recipient.tenant == tenant, Recipient.state == State.DEFERRED)
        .scalar()
    )
    return Queue(
        **{row[0]: row[1] for row in rows},
        oldest_at=oldest.accepted_at if oldest else None,
        next_at=next_at,
    )


def _steps(tenant: int, route: RouteNow) -> Steps:
    senders = Sender.select().where(
        Sender.tenant == tenant, Sender.deleted_at.is_null()
    )
    keys = ApiKey.select().where(ApiKey.tenant == tenant, ApiKey.revoked_at.is_null())
    return Steps(
        sender=senders.exists(),
        active=route.kind is RouteKind.SENDER or route.stands_in is not None,
        key=keys.exists(),
        mail=Message.select().where(Message.tenant == tenant).exists(),
    )


def _failures(tenant: int) -> tuple[Failed, ...]:
    since = now() - timedelta(days=FAILURE_DAYS)
    rows = (
        Message.select(Message, Attempt)
        .join(
            Attempt,
            "LEFT OUTER JOIN",
            on=((Attempt.message == Message.id) & (Attempt.number == Message.attempts)),
            attr="newest",
        )
        .where(
            Message.tenant == tenant,
            Message.state.in_((*_FAILED, State.UNCERTAIN)),
            Message.accepted_at >= since,
        )
        .order_by(Message.id.desc())
        .limit(FAILURES)
    )
    return tuple(
        Failed(
            message_id=row.public_id,
            subject=row.subject,
            to=row.shown_to,
            state=row.state,
            at=row.settled_at or row.accepted_at,
            said=_said(getattr(row, "newest", None)),
        )
        for row in rows
    )


def _said(attempt: Attempt | None) -> str:
    if attempt is None or attempt.id is None:
        return ""
    return (attempt.diagnosis or {}).get("title") or _reply(attempt.reply)


def _reply(reply: dict[str, object] | None) -> str:
    return f"{reply['code']} {reply['text']}" if reply else ""
