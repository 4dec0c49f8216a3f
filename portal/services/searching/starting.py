"""Asking for a search: judged, limited, written as a row, and the bell rung."""

from __future__ import annotations

from portal.services.actor import Actor, Role
from portal.services.finding import parse_asked
from portal.services.testing.spending import spend_search
from portal.store.database import transaction
from portal.store.models import Search, public_id


def start(actor: Actor, asked: str) -> str:
    """The id of a search for an address, a domain or a host. It counts as a live
    test. Raises Invalid that names `asked`, and TooMany."""
    actor.require(Role.ADMIN)
    what = parse_asked(asked)
    spend_search(actor, what.domain)
    row = Search(
        public_id=public_id(),
        tenant=actor.here.id,
        person=actor.person.id if actor.person else None,
        asked=what.text,
    )
    with transaction():
        row.save(force_insert=True)
    actor.installation.bell.ring()
    return str(row.public_id)
