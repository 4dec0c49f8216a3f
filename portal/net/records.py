"""Records of the DNS, asked of one server; whatever it answers is a value.

Asked are absolute names only, with EDNS and room for 1,232 octets; a truncated answer
is asked for again over TCP (RFC 7766). Nothing is kept between two questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
from dns.rdtypes.txtbase import TXTBase

Kind = Literal[
    "A", "AAAA", "CNAME", "DNSKEY", "DS", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"
]
MOST_RECORDS = 100  # of one answer; beyond that it is hostile
MOST_ALIASES = 10
LONGEST_TEXT = 16 * 1024
_END_IN_A_NAME = {
    dns.rdatatype.CNAME,
    dns.rdatatype.MX,
    dns.rdatatype.NS,
    dns.rdatatype.PTR,
    dns.rdatatype.SRV,
}
_EDNS_ROOM = 1232  # octets: no fragments on any path (DNS flag day 2020)


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

    async def ask(self, name: str, kind: Kind) -> Records:
        """Never raises; `name` in A-labels, with or without the dot at its end."""
        ...


@dataclass(frozen=True, slots=True)
class NameServers:
    """Asks `server` (ip, port), or those of the system, each once a round.

    `unchecked` asks the resolver to leave DNSSEC alone (CD, RFC 4035 §3.2.2).
    """

    server: tuple[str, int] | None = None
    timeout_s: float = 2.0
    rounds: int = 2
    unchecked: bool = False

    async def ask(self, name: str, kind: Kind) -> Records:
        try:
            asked = dns.name.from_text(name, origin=dns.name.root)
        except (dns.exception.DNSException, UnicodeError):
            return Records(name=name, kind=kind, answered=Answered.NXDOMAIN)
        aliases: list[str] = []
        while True:
            answer = await self._asked(asked, kind)
            found = _read(answer, asked, name, kind, aliases)
            target = _unfinished(answer, found, len(aliases))
            if target is None:
                return found
            asked, aliases = target, list(found.aliases)

    async def _asked(
        self, name: dns.name.Name, kind: Kind
    ) -> dns.message.Message | Answered:
        servers = [self.server] if self.server else _system_servers()
        query = dns.message.make_query(name, kind, use_edns=0, payload=_EDNS_ROOM)
        query.flags |= dns.flags.AD
        if self.unchecked:
            query.flags |= dns.flags.CD
        last: dns.message.Message | Answered = Answered.TIMEOUT
        for server in servers * self.rounds:
            last = await _sent(query, server, self.timeout_s)
            if isinstance(last, dns.message.Message) and last.rcode() in (
                dns.rcode.NOERROR,
                dns.rcode.NXDOMAIN,
            ):
                return last
        return last


async def _sent(
    query: dns.message.Message, server: tuple[str, int], timeout_s: float
) -> dns.message.Message | Answered:
    try:
        async with asyncio.timeout(timeout_s):
            answer, _ = await dns.asyncquery.udp_with_fallback(
                query, server[0], port=server[1], ignore_unexpected=True
            )
    except (TimeoutError, dns.exception.Timeout):
        return Answered.TIMEOUT
    except (OSError, EOFError, dns.exception.DNSException):
        return Answered.SERVFAIL
    return answer


def _system_servers() -> list[tuple[str, int]]:
    try:
        system = dns.asyncresolver.Resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):
        return [("127.0.0.1", 53)]  # what resolv.conf(5) says of an absent file
    return [(str(server), system.port) for server in system.nameservers]


def _read(
    answer: dns.message.Message | Answered,
    asked: dns.name.Name,
    name: str,
    kind: Kind,
    before: Iterable[str],
) -> Records:
    if isinstance(answer, Answered):
        return Records(name=name, kind=kind, answered=answer, aliases=tuple(before))
    aliases, ttls, here = list(before), [], asked
    while kind != "CNAME" and len(aliases) < MOST_ALIASES:
        alias = _set(answer, here, "CNAME")
        if alias is None:
            break
        here = alias[0].target
        aliases.append(_plain(here))
        ttls.append(alias.ttl)
    found = _set(answer, here, kind)
    if found is not None:
        ttls.append(found.ttl)
    records = _ordered(kind, [_text(each) for each in list(found or ())])
    return Records(
        name=name,
        kind=kind,
        answered=_status(answer, bool(records)),
        records=records,
        aliases=tuple(aliases),
        ttl_s=min(ttls) if records else _negative_ttl(answer),
        authenticated=bool(answer.flags & dns.flags.AD),
        zone=_zone(answer),
    )


def _status(answer: dns.message.Message, found: bool) -> Answered:
    match answer.rcode():
        case dns.rcode.NOERROR:
            return Answered.OK if found else Answered.NODATA
        case dns.rcode.NXDOMAIN:
            return Answered.NXDOMAIN
        case dns.rcode.REFUSED:
            return Answered.REFUSED
    return Answered.SERVFAIL


def _unfinished(
    answer: dns.message.Message | Answered, found: Records, before: int
) -> dns.name.Name | None:
    """Where a server that only knows its own zones left off: an alias leads out of
    them and nothing says that its target has no such records."""
    if isinstance(answer, Answered) or found.answered is not Answered.NODATA:
        return None
    if not before < len(found.aliases) < MOST_ALIASES or _soa(answer) is not None:
        return None
    return dns.name.from_text(found.aliases[-1], origin=dns.name.root)


def _set(
    answer: dns.message.Message, name: dns.name.Name, kind: str
) -> dns.rrset.RRset | None:
    wanted = dns.rdatatype.from_text(kind)
    for each in answer.answer:
        if each.name == name and each.rdtype == wanted and len(each):
            return each
    return None


def _soa(answer: dns.message.Message) -> dns.rrset.RRset | None:
    for each in answer.authority:
        if each.rdtype == dns.rdatatype.SOA and len(each):
            return each
    return None


def _zone(answer: dns.message.Message) -> str | None:
    soa = _soa(answer)
    return None if soa is None else _plain(soa.name)


def _negative_ttl(answer: dns.message.Message) -> int | None:
    soa = _soa(answer)
    return None if soa is None else min(soa.ttl, soa[0].minimum)


def _ordered(kind: Kind, texts: list[str]) -> tuple[str, ...]:
    """Servers turn an answer round each time; what is shown should stand still."""
    if kind == "MX":  # by preference (RFC 5321 §5.1)
        texts = sorted(texts, key=lambda text: (int(text.partition(" ")[0]), text))
    elif kind == "TXT":
        texts = sorted(texts)
    return tuple(texts[:MOST_RECORDS])


def _text(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXTBase):
        joined: bytes = b"".join(record.strings)[:LONGEST_TEXT]
        return joined.decode("utf-8", "replace")
    if record.rdtype in _END_IN_A_NAME:
        head, blank, name = record.to_text().lower().rpartition(" ")
        return head + blank + (name.rstrip(".") or ".")
    return record.to_text()


def _plain(name: dns.name.Name) -> str:
    """In small letters, without the dot at the end; the root alone is a dot."""
    return name.to_text().lower().rstrip(".") or "."
