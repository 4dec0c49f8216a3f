"""Macros of SPF (RFC 7208 §7): what a domain-spec stands for in one check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from portal.deliverability.types import IPAddress

LONGEST_NAME = 253
_EXPAND = re.compile(r"%(?:([%_-])|\{([A-Za-z])([0-9]*)([rR]?)([-.+,/_=]*)\})")
_SINGLE = {"%": "%", "_": " ", "-": "%20"}
_NEEDS_NAME = re.compile(r"%\{[pP]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a receiver knows: `sender` is `local@domain` of the envelope, or
    `postmaster@` and the HELO name."""

    ip: IPAddress
    sender: str
    helo: str
    receiver: str = "unknown"
    now_s: int = 0  # of the epoch, for %{t} in explanations

    def __post_init__(self) -> None:
        """RFC 7208 §5: an IPv4 address in IPv6 clothes counts as IPv4."""
        mapped = getattr(self.ip, "ipv4_mapped", None)
        if mapped is not None:
            object.__setattr__(self, "ip", mapped)

    @property
    def local(self) -> str:
        return self.sender.rpartition("@")[0]


def needs_validated_name(spec: str) -> bool:
    return _NEEDS_NAME.search(spec) is not None


def expanded(spec: str, asked: Asked, domain: str, validated: str = "unknown") -> str:
    """`domain` is the one being evaluated; of checked grammar (`terms.parse`)."""
    letters = _letters(asked, domain, validated)

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return _SINGLE[found[1]]
        value = letters[found[2].lower()]
        parts = re.split(f"[{re.escape(found[5] or '.')}]", value)
        if found[4]:
            parts.reverse()
        if found[3]:
            parts = parts[-int(found[3].lstrip("0")[:3]) :]
        text = ".".join(parts)
        return quote(text, safe="-._~") if found[2].isupper() else text

    return _EXPAND.sub(one, spec)


def as_name(text: str) -> str:
    """RFC 7208 §7.3: too long a name loses labels on its left."""
    text = text.rstrip(".")
    while len(text) > LONGEST_NAME and "." in text:
        text = text.partition(".")[2]
    return text


def _letters(asked: Asked, domain: str, validated: str) -> dict[str, str]:
    v6 = asked.ip.version == 6
    digits = asked.ip.exploded.replace(":", "").upper()
    return {
        "s": asked.sender,
        "l": asked.local,
        "o": asked.sender.rpartition("@")[2],
        "d": domain,
        "i": ".".join(digits) if v6 else str(asked.ip),
        "p": validated,
        "v": "ip6" if v6 else "in-addr",
        "h": asked.helo,
        "c": str(asked.ip),
        "r": asked.receiver,
        "t": str(asked.now_s),
    }
