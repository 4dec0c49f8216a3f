"""One key record, read as a verifier reads it (RFC 6376 §3.6.1, RFC 8301, RFC 8463)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from portal.crypto.public import ED25519_OCTETS, BadPublicKey, rsa_bits
from portal.deliverability.types import Status
from portal.tags import BadTags, tags

LEAST_BITS = 1024  # RFC 8301 §3.2: below, verifiers treat the mail as unsigned
GOOD_BITS = 2048
_BLANKS = re.compile(r"[ \t\r\n]+")
_LOOKS_LIKE_A_KEY = re.compile(
    r"(^|;)[\s\"]{0,5}(p|k|h|t|s|n|g)\s{0,5}=|DKIM1|BEGIN [A-Z ]{0,20}KEY"
    r"|^MI[GI][a-z0-9+/]{60}",  # its base64 alone
    re.IGNORECASE,
)
# What a wildcard answers to every name: another record, for all its p= and s=.
_ANOTHER = re.compile(
    r"\s{0,5}\"?v\s{0,5}=\s{0,5}(spf|DMARC|BIMI|STS|TLSRPT)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`bits` of an RSA modulus."""

    kind: str = "rsa"
    bits: int | None = None
    reasons: dict[str, Status] = field(default_factory=dict)

    @property
    def is_usable(self) -> bool:
        return Status.FAIL not in self.reasons.values()


def is_key(text: str) -> bool:
    """Whether somebody meant a key, however broken: not SPF, not a verification."""
    return bool(_LOOKS_LIKE_A_KEY.search(text)) and not _ANOTHER.match(text)


def read(text: str) -> Key:
    """Never raises: what is wrong stands in the reasons."""
    try:
        found = tags(text)
    except BadTags:
        return _broken("dkim_syntax_error")
    pasted = [value for name, value in found.items() if name != "n"]
    if any('"' in value or value.endswith("\\") for value in pasted):
        # Quotes and `\;` belong to the file of a zone, not to the record.
        return _broken("dkim_syntax_error")
    if "v" in found and (next(iter(found)) != "v" or found["v"] != "DKIM1"):
        return _broken("dkim_wrong_version")
    if any(name.lower() in ("v", "p", "k") and name != name.lower() for name in found):
        return _broken("dkim_syntax_error")  # tags tell A from a (RFC 6376 §3.2)
    if "p" not in found:
        return _broken("dkim_syntax_error")
    kind = found.get("k", "rsa").lower()
    value = _BLANKS.sub("", found["p"])
    if not value:
        return _broken("dkim_revoked", kind)
    try:
        bits = _bits(kind, value)
    except ValueError:
        return _broken("dkim_invalid_key", kind)
    reasons = _strength(bits) | _uses(found)
    return Key(kind=kind, bits=bits, reasons=reasons)


def public_part(text: str) -> str:
    """The p= of a record that can be read; empty in others."""
    try:
        return _BLANKS.sub("", tags(text).get("p", ""))
    except BadTags:
        return ""


def _broken(reason: str, kind: str = "rsa") -> Key:
    return Key(kind=kind, reasons={reason: Status.FAIL})


def _bits(kind: str, value: str) -> int | None:
    """None for Ed25519, whose keys are all of one length. Raises ValueError."""
    try:
        octets = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise BadPublicKey("no base64") from error
    if kind == "rsa":
        return rsa_bits(octets)
    if kind != "ed25519" or len(octets) != ED25519_OCTETS:
        raise BadPublicKey(kind)
    return None


def _strength(bits: int | None) -> dict[str, Status]:
    if bits is None or bits >= GOOD_BITS:
        return {}
    if bits < LEAST_BITS:
        return {"dkim_key_too_short": Status.FAIL}
    return {"dkim_key_weak": Status.WARN}


def _uses(found: dict[str, str]) -> dict[str, Status]:
    reasons = {}
    if "h" in found and "sha256" not in _several(found["h"]):
        reasons["dkim_sha1_only"] = Status.FAIL
    if "s" in found and not {"*", "email"} & _several(found["s"]):
        reasons["dkim_service_type"] = Status.FAIL
    if "y" in _several(found.get("t", "")):
        reasons["dkim_test_mode"] = Status.WARN
    return reasons


def _several(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(":")}
