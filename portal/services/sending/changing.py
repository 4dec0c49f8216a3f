"""What people and programs may still change about accepted mail."""

from __future__ import annotations

from functools import partial

from portal.errors import Invalid
from portal.services.actor import Actor, Role
from portal.services.outbox import wishes
from portal.services.outbox.states import State
from portal.services.sending.reading import own, read
from portal.services.sending.views import MessageView
from portal.store.database import connection
from portal.store.models import Recipient


def cancel(actor: Actor, message_id: str) -> MessageView:
    """Cancel what waits. What is being sent, or of which nobody knows, says so.

    Raises Missing, Forbidden.
    """
    if actor.key:
        actor.require_scope("cancel")
    else:
        actor.require(Role.ADMIN)
    with connection():
        row = own(actor, message_id)
        actor.installation.writer.run(partial(wishes.cancel, actor, row.id))
        return read_back(actor, message_id)


def decide(
    actor: Actor, message_id: str, to: str, *, address: str | None = None
) -> MessageView:
    """A person says that an uncertain recipient (or all of them) was sent or not.

    Raises Missing, Forbidden, Invalid.
    """
    actor.require(Role.ADMIN)
    if to not in (State.SENT, State.FAILED):
        raise Invalid("decision", "Say sent or failed.")
    with connection():
        row = own(actor, message_id)
        query = Recipient.select(Recipient.id).where(Recipient.message == row.id)
        if address is not None:
            query = query.where(Recipient.address == address)
        ids = [each.id for each in query]
        actor.installation.writer.run(
            partial(wishes.decide, actor, row.id, State(to), ids)
        )
        return read_back(actor, message_id)


def read_back(actor: Actor, message_id: str) -> MessageView:
    """For a key that may cancel but not read: its own answer shows the message."""
    whole = Actor(installation=actor.installation, tenant=actor.here, system="answer")
    return read(whole, message_id)
