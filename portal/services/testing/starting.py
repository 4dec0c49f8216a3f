"""Asking for a live test: judged, limited, written as a row, and the bell rung."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.address import BadAddress, parse_mailbox
from portal.errors import Invalid
from portal.services.actor import Actor, Role
from portal.services.senders.checking import validate
from portal.services.senders.digesting import digest
from portal.services.senders.fields import SenderFields
from portal.services.senders.finding import find, newest, stored
from portal.services.senders.making import NO_SANDBOX
from portal.services.senders.sealing import open_kept
from portal.services.senders.typed import Lender, Typed, lender, seal_typed
from portal.services.testing.preparing import MAIL
from portal.services.testing.spending import spend
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import LiveTest, SenderVersion, public_id

KEPT = timedelta(minutes=15)  # a secret, from when it was typed


def start(
    actor: Actor,
    *,
    values: Mapping[str, object] | None,
    sender_id: str | None,
    to: str | None,
    session_id: int | None,
    typed_in: str | None = None,
    kind: str = MAIL,
) -> str:
    """The id of a test of what the form shows, saved or not. A preflight ends before
    anything is sent.

    `values` None tests the newest version of the sender. `to` empty is the
    signed-in person. `typed_in` is an earlier test of this browser session whose
    typed secret a repair uses again. Raises Invalid and TooMany.
    """
    actor.require(Role.ADMIN)
    version = newest(find(actor, sender_id)) if sender_id else None
    fields, typed = _what(actor, values, version, typed_in)
    to_address = _recipient(actor, to)
    if fields.is_sandbox and actor.installation.sandbox_port() is None:
        raise Invalid("provider", NO_SANDBOX)
    spend(actor, fields, to_address)
    vault = actor.installation.vault
    tested = digest(vault, actor.here.id, fields, typed.secrets)
    test = LiveTest(
        public_id=public_id(),
        tenant=actor.here.id,
        sender=version.sender_id if version else None,
        version=_same_version(version, tested),
        person=actor.person.id if actor.person else None,
        session=session_id,
        to_address=to_address,
        kind=kind,
        settings=fields.settings(),
        digest=tested,
        expires_at=now() + KEPT,
    )
    test.sealed = seal_typed(vault, test, typed) if typed.secrets else None
    with transaction():
        test.save(force_insert=True)
    actor.installation.bell.ring()
    return str(test.public_id)


def _what(
    actor: Actor,
    values: Mapping[str, object] | None,
    version: SenderVersion | None,
    typed_in: str | None,
) -> tuple[SenderFields, Typed]:
    """The settings to try and their secrets, with how long these may be lent."""
    known = stored(version) if version else None
    if values is None:
        if version is None or known is None:
            raise Invalid("sender", "Say which sender, or what to test.")
        kept = open_kept(actor.installation.vault, known.fields, version)
        return known.fields, Typed(secrets=kept)
    earlier = lender(actor, typed_in)
    # A name is nothing that a relay sees: a form without one is tested all the same.
    unnamed = {**values, "name": values.get("name") or "Live test"}
    fields = validate(
        unnamed,
        catalogue=actor.installation.catalogue,
        settings=actor.installation.settings,
        stored=known,
        lender=earlier,
    )
    typed = Typed(
        secrets={
            **open_kept(actor.installation.vault, fields, version),
            **fields.secrets,
        },
        typed=frozenset(fields.secrets),
        typed_until=_until(fields, earlier) if fields.secrets else None,
    )
    return fields, typed


def _until(fields: SenderFields, earlier: Lender | None) -> datetime:
    """What was lent once is not kept longer by being lent again."""
    ours = fields.secrets
    lent = earlier.fields.secrets if earlier else {}
    if earlier and any(name in lent and lent[name] is ours[name] for name in ours):
        return earlier.until
    return now() + KEPT


def _recipient(actor: Actor, to: str | None) -> str:
    text = (to or "").strip() or (actor.person.email if actor.person else "")
    try:
        return str(parse_mailbox(text))
    except BadAddress as error:
        raise Invalid("to", str(error)) from None


def _same_version(version: SenderVersion | None, digest: str) -> int | None:
    return version.id if version is not None and version.digest == digest else None
