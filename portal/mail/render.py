"""The mail as it goes to the relay: From in front of the frozen rest.

The sender version that carries a mail may not be the one that was active when it
was accepted, so who it is from is judged at each attempt.
"""

from __future__ import annotations

from datetime import UTC, datetime

from portal.address import BadAddress, Mailbox, Named, parse_domain, parse_mailbox
from portal.mail import dkim, fields, guard
from portal.mail.types import ANYBODY, Content, Envelope, Identity

_ONCE = ("date", "message-id", "mime-version")
_OURS = frozenset({"from", "sender", "reply-to", "bcc", "return-path"})


def render(
    content: Content, identity: Identity, recipients: tuple[str, ...]
) -> tuple[Envelope, bytes]:
    """The envelope and the bytes for these recipients.

    Where the sender signs, the signature covers exactly these bytes and stands in
    front. Raises guard.UnsafeMail when the bytes hold another field than meant.
    """
    sender, reply_to = who(content, identity)
    front = fields.mailboxes("From", (sender,))
    names = ["From"]
    if reply_to:
        front += fields.mailboxes("Reply-To", reply_to)
        names.append("Reply-To")
    frozen = guard.field_names(content.headers)
    once = all(frozen.count(name) == 1 for name in _ONCE)
    if _OURS.intersection(frozen) or not once or content.headers[-2:] != b"\r\n":
        raise guard.UnsafeMail("The stored header is not one that we wrote.")
    guard.check_block(front, names, utf8=True)
    guard.check_lines(content.headers, utf8=content.eight_bit)
    guard.check_body(content.body)
    reverse_path = identity.reverse_path or sender.mailbox
    envelope = Envelope(reverse_path=str(reverse_path), recipients=recipients)
    mail = b"".join((front, content.headers, b"\r\n", content.body))
    if identity.signing is not None:
        mail = dkim.sign(mail, identity.signing, now=datetime.now(UTC)) + mail
    return envelope, mail


def who(content: Content, identity: Identity) -> tuple[Named, tuple[Named, ...]]:
    """From and Reply-To. An asked From that this sender may not use becomes the
    Reply-To, unless the caller named one."""
    asked, reply_to = content.asked_from, content.asked_reply_to
    if not reply_to and identity.reply_to:
        reply_to = (identity.reply_to,)
    if asked is None:
        return identity.from_, reply_to
    if not from_allowed(asked.mailbox, identity):
        return identity.from_, content.asked_reply_to or (asked,)
    if not asked.name and asked.mailbox == identity.from_.mailbox:
        return identity.from_, reply_to
    return asked, reply_to


def from_allowed(mailbox: Mailbox, identity: Identity) -> bool:
    """Whether this sender may write From with this mailbox: its own address, or one
    of `allowed_from` (an address, or a domain for every address directly in it)."""
    if ANYBODY in identity.allowed_from:
        return True
    return _same(mailbox, identity.from_.mailbox) or any(
        _covers(entry, mailbox) for entry in identity.allowed_from
    )


def _same(one: Mailbox, other: Mailbox) -> bool:
    # Local parts differ by case in theory only (RFC 5321 §2.4), and both are ours.
    return one.domain == other.domain and one.local.lower() == other.local.lower()


def _covers(entry: str, mailbox: Mailbox) -> bool:
    try:
        if entry.rpartition("@")[0]:
            return _same(mailbox, parse_mailbox(entry))
        return mailbox.domain == parse_domain(entry.removeprefix("@"))
    except BadAddress:
        return False
