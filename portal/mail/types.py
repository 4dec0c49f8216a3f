"""A mail before it is bytes: what a caller asked for, and who it will be from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from portal.address import Mailbox, Named
from portal.secret import Secret


class Kind(StrEnum):
    VERIFICATION = "verification"
    RECOVERY = "recovery"
    OTP = "otp"
    MAGIC_LINK = "magic_link"
    INVITATION = "invitation"
    NOTIFICATION = "notification"
    EMAIL_CHANGE = "email_change"
    OTHER = "other"

    @property
    def urgent(self) -> bool:
        """Worthless in ten minutes."""
        return self in (Kind.OTP, Kind.MAGIC_LINK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"
    content_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One mail as the caller gave it, each address already parsed."""

    to: tuple[Named, ...]
    cc: tuple[Named, ...] = ()
    bcc: tuple[Named, ...] = ()
    from_: Named | None = None
    reply_to: tuple[Named, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    kind: Kind = Kind.OTHER
    tags: Mapping[str, str] = field(default_factory=dict)
    scheduled_at: datetime | None = None
    expires_in_s: int | None = None


# In `allowed_from`: any From. The sandbox alone has it; no sender is saved with it.
ANYBODY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A DKIM key of ours for relays that sign nothing (RFC 6376, RFC 8463)."""

    domain: str
    selector: str
    key: Secret = field(repr=False)  # PEM: RSA or Ed25519


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a mail is from, by the sender version that carries it."""

    from_: Named
    reply_to: Named | None = None
    reverse_path: Mailbox | None = None  # None: the From mailbox
    allowed_from: tuple[str, ...] = ()  # further addresses or domains
    signing: Signing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The addresses given to SMTP. `reverse_path` None is the null path `<>`."""

    reverse_path: str | None
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is stored of a mail, once and frozen.

    `headers` are the header lines without From, Reply-To and Sender, ending in
    CRLF; `body` begins after the empty line. `asked_from` and `asked_reply_to`
    are the caller's wishes, judged again at each attempt.
    """

    message_id: str
    date: datetime
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)
    asked_from: Named | None = None
    asked_reply_to: tuple[Named, ...] = ()
    eight_bit: bool = False
