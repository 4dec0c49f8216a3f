"""What the page says of a received mail. Its texts come out of that mail: hostile,
shown escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.deliverability.types import Status
from portal.services.domains.lasting import lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """One finding: `about` names what it is about (a key's name, a domain)."""

    label: str  # DMARC, SPF, DKIM
    status: Status
    about: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HopView:
    """One server on the way. `took_s` since the last one that says when; where its
    clock does not go with the others, `off_s` says by how much (less than nothing: it
    is behind). `is_slow`: somebody let it wait; `status` is that of its encryption."""

    peer: str
    by: str
    at: datetime | None
    took_s: int | None
    off_s: int | None
    is_slow: bool
    status: Status
    encryption: str
    is_border: bool

    @property
    def took(self) -> str:
        return "" if self.took_s is None else lasting(self.took_s)

    @property
    def off(self) -> str:
        return "" if self.off_s is None else lasting(abs(self.off_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """What of this tenant the mail is: `kind` is `test` or `message`. `by_reply`: by
    what the relay answered, as it gave the mail another Message-ID. `sender_id` is
    that of a test, None where it was not saved; `provider_id` what that was through.
    """

    kind: str
    id: str
    at: datetime
    by_reply: bool
    sender_id: str | None = None
    provider_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoptable:
    """What the sender could take over from the mail. Without `selectors` its keys stay
    what they are, without `return_path` its envelope."""

    selectors: tuple[str, ...]
    signing_domain: str
    return_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """`notes` say what could not be judged, and why. `way` is the oldest hop first.
    `offered`: servers whose results count if the reader chooses to trust them."""

    status: Status
    sentence: str
    from_address: str
    subject: str
    message_id: str | None
    rows: tuple[ProofRow, ...]
    notes: tuple[str, ...]
    way: tuple[HopView, ...]
    total_s: int | None
    tied: Tied | None
    adoptable: Adoptable | None
    offered: tuple[str, ...]

    @property
    def total(self) -> str:
        return "" if self.total_s is None else lasting(self.total_s)
