"""The portal's own mail to a tenant's owners and admins about their sender.

It goes through the outbox like any mail, by the route of this moment, which is
never the one that it complains about; outside every limit and quota, once an
incident, and an alert that fails raises none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from portal.store.models import Membership, Person, Sender, SenderVersion

MOST = 50  # people
_TOLD = (Role.OWNER, Role.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One check of a domain that has turned, and the records that would mend it."""

    check: str
    what: str
    why: str
    remedy: str
    records: tuple[str, ...] = ()


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


def domain_turned(
    actor: Actor, sender: Sender, *, domain: str, notices: Sequence[Notice]
) -> None:
    """The DNS of a sender in use got worse; in the transaction that found it."""
    _write(
        actor,
        f"The DNS of {domain} got worse: {', '.join(each.check for each in notices)}",
        f"The sender “{sender.name}” of {actor.here.name} sends from {domain}. A look"
        " at its DNS found what was in order before and is not any more.",
        *(_noticed(notice) for notice in notices),
        "Mail is still sent. You hear of this once, and again when it is in order.",
        _page(actor, sender.public_id, "/deliverability"),
    )


def domain_in_order(
    actor: Actor,
    sender: Sender,
    *,
    domain: str,
    checks: Sequence[str],
    left: Sequence[str],
) -> None:
    """What had turned is as good again as it was; `left` are those that are not."""
    _write(
        actor,
        f"The DNS of {domain} is in order again: {', '.join(checks)}",
        f"What the portal had told you about the DNS of {domain}, from which the sender"
        f" “{sender.name}” of {actor.here.name} sends, is mended:"
        f" {', '.join(checks)}.",
        _sentences("Still open:", *left) if left else "",
        _page(actor, sender.public_id, "/deliverability"),
    )


def _noticed(notice: Notice) -> str:
    return _sentences(
        notice.what + ".",
        notice.why,
        f"What to do: {notice.remedy}" if notice.remedy else "",
        "Publish:" if notice.records else "",
        *(f"  {record}" for record in notice.records),
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
    return _page(actor, version.sender.public_id)


def _page(actor: Actor, sender_id: str, below: str = "") -> str:
    base = actor.installation.settings.base_url
    if base is None:
        return ""
    return f"{base}/t/{actor.here.slug}/senders/{sender_id}{below}"
