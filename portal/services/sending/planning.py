"""What a draft becomes before anything is written: checked, composed, dated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.address import Mailbox
from portal.errors import FieldError, Forbidden, Invalid
from portal.mail.compose import compose, recipients
from portal.mail.render import from_allowed
from portal.mail.types import Content, Draft, Identity
from portal.services.actor import Actor
from portal.services.senders.carrying import identity
from portal.services.senders.identities import newest_identity
from portal.services.senders.kinds import RouteKind
from portal.services.senders.routing import RouteNow
from portal.store.models.base import public_id

URGENT_LIFE = timedelta(minutes=10)
NORMAL_LIFE = timedelta(days=3)
LONGEST_LIFE_S = 5 * 24 * 3600
FURTHEST = timedelta(days=30)
MOST_RECIPIENTS = 500
MOST_MESSAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A message that only has to be written."""

    public_id: str
    draft: Draft
    content: Content
    recipients: tuple[tuple[str, Mailbox], ...]  # field, mailbox
    due_at: datetime
    scheduled_at: datetime | None
    expires_at: datetime

    @property
    def size_bytes(self) -> int:
        return len(self.content.headers) + len(self.content.body)

    @property
    def shown_to(self) -> str:
        first, others = self.recipients[0][1], len(self.recipients) - 1
        if not others:
            return str(first)
        return f"{first} and {others} other{'s' if others > 1 else ''}"


def sender_of(actor: Actor, route: RouteNow) -> Identity:
    """Who the mail of this route is from now."""
    return identity(
        actor.installation, route.kind, route.version_id, tenant_id=actor.here.id
    )


def plan(
    actor: Actor, draft: Draft, route: RouteNow, who: Identity, *, at: datetime
) -> Plan:
    """Raises Invalid with the field's name, Forbidden for what its key may not."""
    _check_from(draft, who, route, actor.here.id)
    _check_times(draft, at)
    addressed = recipients(draft)
    _check_key(actor, draft, who, route, addressed)
    if len(addressed) > MOST_RECIPIENTS:
        raise Invalid("to", f"A mail has at most {MOST_RECIPIENTS} recipients.")
    from_ = draft.from_.mailbox if draft.from_ else who.from_.mailbox
    content = compose(
        draft, domain=from_.domain, tenant_code=tenant_code(actor), now=at
    )
    scheduled_at = draft.scheduled_at
    due_at = max(scheduled_at or at, at)
    return Plan(
        public_id=public_id(),
        draft=draft,
        content=content,
        recipients=addressed,
        due_at=due_at,
        scheduled_at=scheduled_at,
        expires_at=due_at + _life(draft),
    )


def tenant_code(actor: Actor) -> str:
    """Letters and digits that tell a tenant's Message-IDs apart."""
    return re.sub(r"[^a-z0-9]", "", actor.here.public_id.lower())[:10] or "t"


def in_batch(number: int, error: Invalid) -> Invalid:
    """The same faults, each field with its place in the array."""
    return Invalid.many(
        [FieldError(f"[{number}].{row.field}", row.detail) for row in error.errors]
    )


def _check_from(draft: Draft, who: Identity, route: RouteNow, tenant_id: int) -> None:
    """No open From. While the platform carries the mail, a tenant may still name
    what its own newest sender allows: the mail then goes out with the platform's
    From, and this one becomes the Reply-To."""
    if draft.from_ is None or from_allowed(draft.from_.mailbox, who):
        return
    if route.kind is RouteKind.PLATFORM:
        own = newest_identity(tenant_id)
        if own is not None and from_allowed(draft.from_.mailbox, own):
            return
        if who.reply_to and draft.from_.mailbox == who.reply_to.mailbox:
            return
    raise Invalid(
        "from",
        f"The active sender may not send as {draft.from_.mailbox}. Leave “from” out"
        f" to send as {who.from_.mailbox}, or add the address or its domain to the"
        " sender's further From addresses.",
    )


def _check_key(
    actor: Actor,
    draft: Draft,
    who: Identity,
    route: RouteNow,
    addressed: Sequence[tuple[str, Mailbox]],
) -> None:
    """A key may be bound to domains. The From of the platform, which nobody asked
    for, is not its caller's choice."""
    if actor.key is None:
        return
    asked = draft.from_ or (None if route.kind is RouteKind.PLATFORM else who.from_)
    allowed = actor.key.from_domains
    if asked and allowed is not None and asked.mailbox.domain not in allowed:
        raise Forbidden(f"This key may not send as {asked.mailbox.domain}.")
    reachable = actor.key.to_domains
    for _, mailbox in addressed:
        if reachable is not None and mailbox.domain not in reachable:
            raise Forbidden(f"This key may not send to {mailbox.domain}.")


def _check_times(draft: Draft, at: datetime) -> None:
    if draft.scheduled_at and draft.scheduled_at > at + FURTHEST:
        raise Invalid("scheduled_at", f"At most {FURTHEST.days} days ahead.")
    life_s = draft.expires_in_s
    # Shorter than the hour of a general default: a
    # caller knows when its one mail is worth nothing any more.
    if life_s is not None and not 1 <= life_s <= LONGEST_LIFE_S:
        raise Invalid("expires_in_s", f"1 to {LONGEST_LIFE_S} seconds (5 days).")


def _life(draft: Draft) -> timedelta:
    if draft.expires_in_s is not None:
        return timedelta(seconds=draft.expires_in_s)
    return URGENT_LIFE if draft.kind.urgent else NORMAL_LIFE
