"""The way of a mail, as each server on it wrote it down (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

from portal.mail.received import ReceivedMail
from portal.mail.received_comments import parted

MOST_HOPS = 50
_FROM = re.compile(r"\s*from\s+(\S{1,300})", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,300})", re.IGNORECASE)
_WITH = re.compile(r"\swith\s+(\S{1,40})", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{3,45}")
_REVERSE = re.compile(r"([\w.-]{1,253})\.?\s*\[")
_TLS = re.compile(r"\bTLS\s?_?v?(1)[._]([0-3])", re.IGNORECASE)
# RFC 3848, RFC 6531, and what others call the same.
_ENCRYPTED = re.compile(r"(?:UTF8)?(?:E?SMTPSA?|LMTPSA?|HTTPS)", re.IGNORECASE)
_CLEAR = re.compile(r"(?:UTF8)?(?:E?SMTPA?)", re.IGNORECASE)
_SUBMITTED = re.compile(r"(?:UTF8)?ESMTPS?A", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One server that took the mail. `peer` is what the other side called itself,
    `reverse` the name of its `address`. `is_encrypted` None: it does not say."""

    peer: str | None
    reverse: str | None
    address: IPv4Address | IPv6Address | None
    by: str | None
    protocol: str | None
    tls: str | None  # "TLS 1.3"
    is_encrypted: bool | None
    at: datetime | None

    @property
    def is_submission(self) -> bool:
        """Somebody signed in to hand the mail over: its way begins here."""
        return bool(self.protocol and _SUBMITTED.fullmatch(self.protocol))


def hops(mail: ReceivedMail) -> tuple[Hop, ...]:
    """The newest first, as they stand there."""
    return tuple(hop(text) for text in mail.texts("received")[:MOST_HOPS])


def hop(text: str) -> Hop:
    """Of the value of one Received field. Never raises."""
    whole = parted(text)
    clauses, _, date = whole.words.rpartition(";")
    clauses = clauses or whole.words
    peer, by = _FROM.match(clauses), _BY.search(clauses)
    protocol = _WITH.search(clauses)
    # What stands before "by" is said of the other side.
    beside = _beside(text)
    tls = _tls(text)
    name = protocol[1] if protocol else None
    return Hop(
        peer=peer[1].strip("[]") if peer else None,
        reverse=_reverse(beside),
        address=_address(beside) if peer else None,
        by=by[1].rstrip(";").lower() if by else None,
        protocol=name,
        tls=tls,
        is_encrypted=True if tls else _is_encrypted(name if peer else None),
        at=_instant(date),
    )


def _beside(text: str) -> str:
    """The clause of the other side, comments included."""
    depth = 0
    for found in re.finditer(r"[()]|\sby\s", text, re.IGNORECASE):
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth = max(0, depth - 1)
        elif not depth:
            return text[: found.start()]
    return text


def _reverse(beside: str) -> str | None:
    for comment in parted(beside).comments:
        found = _REVERSE.match(comment.strip())
        if found and found[1].lower() != "unknown" and "." in found[1]:
            return found[1].rstrip(".").lower()
    return None


def _address(beside: str) -> IPv4Address | IPv6Address | None:
    for comment in (*parted(beside).comments, beside):
        for found in _ADDRESS.findall(comment.replace("IPv6:", " ")):
            try:
                return ip_address(found.strip("."))
            except ValueError:
                continue
    return None


def _tls(text: str) -> str | None:
    found = _TLS.search(text)
    return f"TLS {found[1]}.{found[2]}" if found else None


def _is_encrypted(protocol: str | None) -> bool | None:
    if protocol is None:
        return None
    if _ENCRYPTED.fullmatch(protocol):
        return True
    return False if _CLEAR.fullmatch(protocol) else None


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text.strip()[:100])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
