"""What an attempt reads before it talks: is it still right, and what to send."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.mail.render import render
from portal.mail.types import Envelope
from portal.services.installation import Installation
from portal.services.outbox.claim import Claimed
from portal.services.outbox.marks import fence_holds
from portal.services.senders.carrying import identity
from portal.services.sending.keeping import load_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    envelope: Envelope
    mail: bytes = field(repr=False)


def load(installation: Installation, claimed: Claimed) -> Load | None:
    """The mail, rendered for the sender version that was claimed.

    None: the route has moved since the claim, so this version must not carry it.
    """
    if not fence_holds(claimed.attempt_id):
        return None
    content = load_content(claimed.message_id)
    if content is None:
        return None
    who = identity(
        installation,
        claimed.lane.route,
        claimed.lane.version_id,
        tenant_id=claimed.tenant_id,
    )
    addresses = tuple(target.address for target in claimed.targets)
    envelope, mail = render(content, who, addresses)
    return Load(envelope=envelope, mail=mail)
