"""Line 1 and 2 of the outbox: mail is accepted when its rows are committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.errors import Invalid, Unavailable
from portal.mail.types import Draft
from portal.services.actor import Actor, Role
from portal.services.senders.kinds import RouteKind
from portal.services.senders.routing import RouteNow, route_now
from portal.services.sending.asking import Idempotency, Replay, find_replay
from portal.services.sending.planning import (
    MOST_MESSAGES,
    Plan,
    in_batch,
    plan,
    sender_of,
)
from portal.services.sending.running import alone
from portal.services.sending.views import MessageView
from portal.services.sending.writing import Accepting, write_all
from portal.store.alike import Alike
from portal.store.database import connection
from portal.store.fields import now


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Either the messages, now committed, or the answer that was saved before."""

    messages: tuple[MessageView, ...] = ()
    replay: Replay | None = None


def accept(
    actor: Actor,
    drafts: Sequence[Draft],
    *,
    idempotency: Idempotency | None = None,
    patient: bool = False,
    batch: bool = False,
) -> Accepted:
    """Accept all of these mails in one commit, or none.

    `patient`: what a rate limit would refuse is queued for later instead (never
    what the quota refuses). `batch` makes field names of faults `[1].subject`.

    Raises Invalid, TooMany, Mismatch, Conflict, Unavailable, Forbidden. After
    Unavailable nobody may know whether the mail was accepted: repeat it with the
    same idempotency key.
    """
    _may_send(actor)
    tenant_id = actor.here.id
    with connection(), alone(tenant_id, idempotency.key if idempotency else None):
        if idempotency and (replay := find_replay(tenant_id, idempotency)):
            return Accepted(replay=replay)
        route = _route(actor)
        _check_disk(actor)
        at = now()
        wanted = Accepting(
            actor=actor,
            plans=tuple(_plans(actor, drafts, route, at=at, batch=batch)),
            route=route,
            at=at,
            idempotency=idempotency,
            patient=patient,
        )
        written = actor.installation.writer.run(Alike(write_all, wanted))
        if written.due_ids:
            actor.installation.bell.ring(written.due_ids)
        return Accepted(messages=written.messages, replay=written.replay)


def _may_send(actor: Actor) -> None:
    if actor.key:
        actor.require_scope("send")
    else:
        actor.require(Role.ADMIN)


def _route(actor: Actor) -> RouteNow:
    route = route_now(actor.installation, actor.here.id)
    no_sandbox = route.captured and actor.installation.sandbox_port() is None
    if route.kind is RouteKind.NONE or no_sandbox:
        raise Unavailable(
            "No mail can be sent: this tenant has no active sender, the installation"
            " has no default sender, and no sandbox runs here. Activate a sender."
        )
    return route


def _check_disk(actor: Actor) -> None:
    if not actor.installation.room.accepts():
        raise Unavailable(
            "The disk is nearly full; no mail is accepted until it is not."
        )


def _plans(
    actor: Actor,
    drafts: Sequence[Draft],
    route: RouteNow,
    *,
    at: datetime,
    batch: bool,
) -> list[Plan]:
    if not 1 <= len(drafts) <= MOST_MESSAGES:
        raise Invalid("", f"A batch has 1 to {MOST_MESSAGES} messages.")
    plans, who = [], sender_of(actor, route)
    for number, draft in enumerate(drafts):
        try:
            plans.append(plan(actor, draft, route, who, at=at))
        except Invalid as error:
            raise (in_batch(number, error) if batch else error) from None
    return plans
