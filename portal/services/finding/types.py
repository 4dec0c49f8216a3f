"""The words of a search for a relay: what was asked, where to look, what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from portal.delivery.types import Presented, Security


class Source(StrEnum):
    """Why a host is looked at."""

    ASKED = "asked"
    CATALOGUE = "catalogue"
    SRV = "srv"  # RFC 6186, RFC 8314 §5.1
    AUTOCONFIG = "autoconfig"  # the document that Thunderbird asks for
    NAME = "name"  # smtp. and mail. in front of the domain
    MX = "mx"


class Safety(StrEnum):
    """The safest first."""

    TRUSTED = "trusted"  # encrypted, and the certificate is good
    UNTRUSTED = "untrusted"  # encrypted, and nobody vouches for the certificate
    READABLE = "readable"  # without encryption


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`address` where a mailbox was typed; `host` where it was a name alone."""

    domain: str
    address: str | None = None
    host: str | None = None

    @property
    def text(self) -> str:
        return self.address or self.host or self.domain

    @property
    def is_literal(self) -> bool:
        """An IP address has no records that name other hosts."""
        try:
            ip_address(self.domain)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True, order=True)
class Door:
    port: int
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A host to look at. `doors` are those that its source names, before the usual
    ones; `username` is what the source says of it."""

    host: str
    source: Source
    doors: tuple[Door, ...] = ()
    username: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """Where to look, the best first, and whose mailboxes these are."""

    leads: tuple[Lead, ...]
    provider: str | None = None
    left_out: tuple[str, ...] = ()  # hosts of others, beyond what may be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One door of one host, and what was seen there. `safety` None: it does not
    answer as a relay."""

    host: str
    port: int
    security: Security
    source: Source
    safety: Safety | None
    said: str
    mechanisms: tuple[str, ...] = ()
    ms: int = 0
    presented: tuple[Presented, ...] = ()

    @property
    def answers(self) -> bool:
        return self.safety is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The ways in the order they are looked at, and the one to take, if any.

    `values` are fields of a sender that take it; `sentence` and `notes` are for
    people.
    """

    asked: Asked
    provider: str | None
    ways: tuple[Way, ...]
    proposal: Way | None
    sentence: str
    notes: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(way.host for way in self.ways))
