"""What was asked of the DNS and what came of it, without the library that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

Kind = Literal[
    "A", "AAAA", "CNAME", "DNSKEY", "DS", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"
]


class Answered(StrEnum):
    """What became of a question. The last three say nothing about the name."""

    OK = "ok"
    NODATA = "nodata"  # the name is there, without such records
    NXDOMAIN = "nxdomain"
    TIMEOUT = "timeout"
    SERVFAIL = "servfail"  # or an answer that cannot be read
    REFUSED = "refused"

    @property
    def is_known(self) -> bool:
        return self in (Answered.OK, Answered.NODATA, Answered.NXDOMAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The answer to one question.

    `records` in their usual text form: `10 mx.example.org` for MX, names without the
    dot at the end, TXT as one string (its parts joined with nothing between, RFC 7208
    §3.3) read as UTF-8. `aliases` are the names that CNAMEs led to, in order; with
    NXDOMAIN the last of them is the one that is not there. `ttl_s` is the least of
    the answer, of a negative answer the zone's (RFC 2308 §5). `authenticated` is the
    resolver's word (AD, RFC 4035 §3.2.3): believe it of your own resolver only.
    `zone` is the one that a negative answer comes from (RFC 2308 §2).
    """

    name: str
    kind: Kind
    answered: Answered
    records: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ttl_s: int | None = None
    authenticated: bool = False
    zone: str | None = None


class Dns(Protocol):
    """Who answers questions about names."""

    async def ask(
        self, name: str, kind: Kind, one_more: Callable[[], bool] = ...
    ) -> Records:
        """Never raises; `name` in A-labels, with or without the dot at its end. Where
        an alias has to be asked about by itself, `one_more` says whether it may be."""
        ...
