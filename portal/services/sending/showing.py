"""An accepted mail as the relay gets it, for those who may read the tenant."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.errors import Missing, Unavailable
from portal.mail.reading import Read, read
from portal.mail.render import render
from portal.mail.types import Content, Identity
from portal.services.actor import Actor
from portal.services.outbox.states import State
from portal.services.senders import identity, route_now
from portal.services.sending.keeping import load_content
from portal.services.sending.reading import may_read, own
from portal.store.models import Attempt, Message, Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`rendered` False: no sender would carry it now, so it has no From yet."""

    reverse_path: str | None
    source: bytes = field(repr=False)
    mail: Read = field(repr=False)
    rendered: bool = True


def show(actor: Actor, message_id: str) -> Shown:
    """With the From of its newest attempt, before the first one with the From of
    the sender that would carry it now. Raises Missing."""
    may_read(actor)
    message = own(actor, message_id)
    content = load_content(message.id)
    if content is None:
        raise Missing("The content of this message is no longer kept.")
    who = _identity(actor, message)
    if who is None:
        source = content.headers + b"\r\n" + content.body
        return Shown(
            reverse_path=None, source=source, mail=read(source), rendered=False
        )
    return _rendered(message, content, who)


def _rendered(message: Message, content: Content, who: Identity) -> Shown:
    addresses = Recipient.select(Recipient.address).where(
        Recipient.message == message.id, Recipient.state != State.CANCELLED
    )
    envelope, source = render(content, who, tuple(row.address for row in addresses))
    return Shown(reverse_path=envelope.reverse_path, source=source, mail=read(source))


def _identity(actor: Actor, message: Message) -> Identity | None:
    newest = (
        Attempt.select(Attempt.route, Attempt.version)
        .where(Attempt.message == message.id)
        .order_by(Attempt.number.desc())
        .first()
    )
    tenant_id = actor.here.id
    if newest:
        kind, version_id = newest.route, newest.version_id
    else:
        route = route_now(actor.installation, tenant_id)
        kind, version_id = route.kind, route.version_id
    try:
        return identity(actor.installation, kind, version_id, tenant_id=tenant_id)
    except Unavailable:
        return None
