"""The portal's own mail to a tenant's owners and admins about their sender.

It goes through the outbox like any mail, by the route of this moment, which is
never the one that it complains about; outside every limit and quota, once an
incident, and an alert that fails raises none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from portal.address import Named, parse_mailbox
from portal.mail.types import Draft, Kind
from portal.services.actor import Actor, Role
from portal.services.outbox.ledger import ALERT
from portal.services.senders.kinds import RouteKind
from portal.services.senders.routing import route_now
from portal.services.sending.planning import plan, sender_of
from portal.services.sending.writing import insert_messages
from portal.store.fields import now
from portal.store.models import Membership, Person, SenderVersion

MOST = 50  # people
_TOLD = (Role.OWNER, Role.ADMIN)


def fell_back(
    actor: Actor, version: SenderVersion, *, failures: int, why: Mapping[str, Any]
) -> None:
    """The platform default has taken over; in the transaction of that move."""
    name, tenant = version.sender.name, actor.here.name
    _write(
        actor,
        f"Mail of {tenant} now goes through the platform default",
        f"The sender “{name}” failed {_times(failures)}, so the platform default carries"
        " its mail from now on.",
        _sentences(
            f"What happened: {why.get('title') or 'the relay did not take the mail'}",
            f"Relay: {why['relay']}" if why.get("relay") else "",
            f"What to do: {why['remedy']}" if why.get("remedy") else "",
        ),
        "Meanwhile mail has the From address of the platform; answers to it reach"
        f" yours. The portal tries “{name}” again by itself, at longer and longer"
        " intervals up to 15 minutes, and goes back to it as soon as its relay lets it"
        " in.",
        _link(actor, version),
    )


def returned(actor: Actor, version: SenderVersion, *, since: datetime) -> None:
    """The sender carries its mail again."""
    name, tenant = version.sender.name, actor.here.name
    minutes = max(round((now() - since).total_seconds() / 60), 1)
    _write(
        actor,
        f"Mail of {tenant} goes through {name} again",
        f"The relay of “{name}” let us in again, so it carries the mail from now on."
        f" The platform default stood in for {minutes}"
        f" minute{'' if minutes == 1 else 's'}.",
        _link(actor, version),
    )


def handed_over(actor: Actor, version: SenderVersion, *, by: str) -> None:
    """Somebody gave credentials through a link; in the transaction of that save."""
    name, tenant = version.sender.name, actor.here.name
    _write(
        actor,
        f"The credentials of {name} of {tenant} have come",
        f"Somebody used the hand-over link that {by} made for the sender “{name}”. What"
        f" was given is sealed in version {version.number}; the link is used up.",
        "That version carries no mail. Send a test with it, then use it. If it was"
        " nobody whom you asked, do not use it, and find out who else had the link.",
        _link(actor, version),
    )


def _write(actor: Actor, subject: str, *paragraphs: str) -> None:
    people = tuple(_people(actor))
    route = route_now(actor.installation, actor.here.id)
    if not people or route.kind is RouteKind.NONE:
        return
    at = now()
    draft = Draft(
        to=people,
        subject=" ".join(subject.split()),
        text="\n\n".join(text for text in paragraphs if text) + "\n",
        kind=Kind.NOTIFICATION,
    )
    row = plan(actor, draft, route, sender_of(actor, route), at=at)
    insert_messages(actor, [row], route, at, timedelta(0), origin=ALERT)


def _people(actor: Actor) -> list[Named]:
    found = (
        Person.select(Person.email, Person.name)
        .join(Membership)
        .where(
            Membership.tenant == actor.here.id,
            Membership.role.in_(_TOLD),
            Person.disabled_at.is_null(),
        )
        .order_by(Person.id)
        .limit(MOST)
    )
    return [Named(parse_mailbox(row.email), "") for row in found]


def _times(failures: int) -> str:
    return "once" if failures == 1 else f"{failures} times in a row"


def _sentences(*sentences: str) -> str:
    return "\n".join(text for text in sentences if text)


def _link(actor: Actor, version: SenderVersion) -> str:
    base = actor.installation.settings.base_url
    if base is None:
        return ""
    return f"{base}/t/{actor.here.slug}/senders/{version.sender.public_id}"
