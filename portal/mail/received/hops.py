"""The way of a mail, as each server on it wrote it down (RFC 5321 §4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from portal.mail.received.comments import parted
from portal.mail.received.reading import ReceivedMail

MOST_HOPS = 50
_FROM = re.compile(r"\s*from\s+(\S{1,300})", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,300})", re.IGNORECASE)
_WITH = re.compile(r"\swith\s+(\S{1,40})", re.IGNORECASE)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{3,45}")
_REVERSE = re.compile(r"([\w.-]{1,253})\.?\s*\[")
_TLS = re.compile(r"\bTLS\s?_?v?(1)[._]([0-3])", re.IGNORECASE)
# RFC 8446 §B.4: suites of TLS 1.3 alone. Others name theirs after a key exchange.
_TLS13 = re.compile(r"\bTLS_(?:AES|CHACHA20)_")
_TLS10 = re.compile(r"\bTLSv1(?![._\d])", re.IGNORECASE)  # so OpenSSL calls it
_SECURED = re.compile(r"\(\S{1,60} encrypted\)|\bwith STARTTLS\b", re.IGNORECASE)
_RETRIEVED = re.compile(r"(?:IMAP4?|POP3?)S?", re.IGNORECASE)
# Exim writes the name in front of the address where it has made sure of it.
_EXIM = re.compile(r"\(Exim [\d.]")
_ADDRESS_ALONE = re.compile(r"\[[0-9A-Fa-f:.]{3,45}\](?::\d+)?(?:\s|$)")
# Those of examples stand for public ones (RFC 5737, RFC 3849).
_EXAMPLES = tuple(
    map(
        ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    )
)
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

    @property
    def is_retrieval(self) -> bool:
        """Fetched out of one mailbox into another, after it had arrived."""
        return bool(self.protocol and _RETRIEVED.fullmatch(self.protocol))

    @property
    def is_local_delivery(self) -> bool:
        """By LMTP, which is spoken inside a house only (RFC 2033 §5)."""
        return bool(self.protocol and self.protocol.upper().startswith("LMTP"))

    @property
    def is_private(self) -> bool:
        """From an address inside a network of somebody's own."""
        address = self.address
        if address is None or address.is_global:
            return False
        return not any(address in network for network in _EXAMPLES)


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
    called = peer[1].strip("[]") if peer else None
    return Hop(
        peer=called,
        reverse=_reverse(beside) or _of_exim(called, beside, text),
        address=_address(beside) if peer else None,
        by=by[1].rstrip(";").lower() if by else None,
        protocol=name,
        tls=tls,
        is_encrypted=bool(tls or _SECURED.search(text))
        or _is_encrypted(name if peer else None),
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


def _of_exim(called: str | None, beside: str, text: str) -> str | None:
    if not called or "." not in called or not _EXIM.search(text):
        return None
    alone = any(map(_ADDRESS_ALONE.match, parted(beside).comments))
    return called.rstrip(".").lower() if alone else None


def _address(beside: str) -> IPv4Address | IPv6Address | None:
    for comment in (*parted(beside).comments, beside):
        for found in _ADDRESS.findall(comment.replace("IPv6:", " ")):
            try:
                address = ip_address(found.strip("."))
            except ValueError:
                continue
            mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
            return mapped or address
    return None


def _tls(text: str) -> str | None:
    found = _TLS.search(text)
    if found:
        return f"TLS {found[1]}.{found[2]}"
    if _TLS13.search(text):
        return "TLS 1.3"
    return "TLS 1.0" if _TLS10.search(text) else None


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
