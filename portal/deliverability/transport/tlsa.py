"""Does a certificate fit a record of DANE (RFC 6698 §2.1, RFC 7672 §3.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from portal.crypto.public import BadPublicKey, der_and_key

_OWN, _ISSUERS = "3", "2"  # DANE-EE, DANE-TA; others are not for mail (§3.1.3)


def is_for_mail(record: str) -> bool:
    return record.partition(" ")[0] in (_OWN, _ISSUERS)


def fits(record: str, pems: Sequence[str]) -> bool | None:
    """`record` as text, `3 1 1 ab…`; `pems` as a host shows them, its own first. None:
    the record is not for mail, or cannot be compared."""
    parts = record.split()
    if len(parts) < 4 or parts[0] not in (_OWN, _ISSUERS) or not pems:
        return None
    usage, selector, matching = parts[:3]
    if selector not in ("0", "1") or matching not in ("0", "1", "2"):
        return None
    wanted = "".join(parts[3:]).lower()
    shown = pems[:1] if usage == _OWN else pems
    try:
        return any(_told(pem, selector, matching) == wanted for pem in shown)
    except BadPublicKey:
        return None


def record(pem: str) -> str:
    """As RFC 7672 §3.1.1 wants it: the host's own key, by SHA-256. Raises
    BadPublicKey."""
    return f"{_OWN} 1 1 {_told(pem, '1', '1')}"


def _told(pem: str, selector: str, matching: str) -> str:
    octets = der_and_key(pem)[int(selector)]
    if matching == "0":
        return octets.hex()
    digest = hashlib.sha256 if matching == "1" else hashlib.sha512
    return digest(octets).hexdigest()
