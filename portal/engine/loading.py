"""What an attempt reads before it talks: is it still right, and what to send."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from portal.errors import Fault, Unavailable
from portal.mail.render import render
from portal.mail.types import Envelope, Identity
from portal.services.installation import Installation
from portal.services.outbox.claim import Claimed
from portal.services.outbox.marks import fence_holds
from portal.services.senders.carrying import signed_identity
from portal.services.sending.keeping import load_content

KNOWN = 256  # identities kept
# A version never changes; without one, who it is from hangs on other rows too.
FRESH_S = 5.0


class CannotSign(Fault):
    """The key that signs this sender's mail does not open: trouble of the sender,
    and no fault of the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    envelope: Envelope
    mail: bytes = field(repr=False)


class Loading:
    """For the reading thread alone."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._known: dict[tuple[int | None, int], tuple[float, Identity]] = {}

    def load(self, claimed: Claimed) -> Load | None:
        """The mail, rendered for the sender version that was claimed.

        None: the route has moved since the claim, so this version must not carry it.
        Raises CannotSign.
        """
        if not fence_holds(claimed.attempt_id):
            return None
        content = load_content(claimed.message_id)
        if content is None:
            return None
        addresses = tuple(target.address for target in claimed.targets)
        envelope, mail = render(content, self._who(claimed), addresses)
        return Load(envelope=envelope, mail=mail)

    def _who(self, claimed: Claimed) -> Identity:
        lane, now = claimed.lane, time.monotonic()
        key = (lane.version_id, claimed.tenant_id)
        read_at, known = self._known.get(key, (0.0, None))
        if known is not None and (lane.version_id or now - read_at < FRESH_S):
            return known
        try:
            found = signed_identity(
                self._installation,
                lane.route,
                lane.version_id,
                tenant_id=claimed.tenant_id,
            )
        except Unavailable as error:
            raise CannotSign(error.sentence) from None
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[key] = now, found
        return found
