"""Records of the DNS, asked of one server; whatever it answers is a value.

Asked are absolute names only, with EDNS and room for 1,232 octets; a truncated answer
is asked for again over TCP (RFC 7766). No answer is kept for another question.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from portal.net.questions import AD, CD, answer_of
from portal.net.reading import Answer, read_answer, texts_of

Kind = Literal[
    "A", "AAAA", "CNAME", "DNSKEY", "DS", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"
]
MOST_ALIASES = 10
_TELLING = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


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


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class NameServers:
    """Asks `server` (ip, port), or those of the system, each once a round.

    `unchecked` asks the resolver to leave DNSSEC alone (CD, RFC 4035 §3.2.2). Who did
    not answer is asked last from then on; a copy (`dataclasses.replace`) forgets it.
    """

    server: tuple[str, int] | None = None
    timeout_s: float = 2.0
    rounds: int = 2
    unchecked: bool = False
    resolv_conf: str = "/etc/resolv.conf"
    _silent: set[tuple[str, int]] = field(default_factory=set, init=False)

    async def ask(
        self, name: str, kind: Kind, one_more: Callable[[], bool] = always
    ) -> Records:
        found = Records(name=name, kind=kind, answered=Answered.NXDOMAIN)
        try:
            asked = dns.name.from_text(name, origin=dns.name.root)
        except (dns.exception.DNSException, UnicodeError):
            return found
        seen, type_ = [asked], dns.rdatatype.from_text(kind)
        while True:
            answer = await self._asked(seen[-1], type_)
            before = len(seen)
            found = _read(answer, found, seen)
            if not _is_left_off(answer, found) or not before < len(seen):
                return found
            if not one_more():
                return dataclasses.replace(found, answered=Answered.TIMEOUT)

    async def _asked(self, name: dns.name.Name, type_: int) -> Answer | Answered:
        servers = [self.server] if self.server else _system_servers(self.resolv_conf)
        question, refusing = name.to_digestable(), set()
        last: Answer | Answered = Answered.TIMEOUT
        for server in sorted(servers, key=self._silent.__contains__) * self.rounds:
            if server in refusing:
                continue  # and will not change its mind
            last = await self._sent(question, type_, server)
            if isinstance(last, Answered):
                continue
            if last.rcode in _TELLING:
                return last
            if last.rcode == dns.rcode.REFUSED:
                refusing.add(server)
        return last

    async def _sent(
        self, name: bytes, type_: int, server: tuple[str, int]
    ) -> Answer | Answered:
        flags = AD | CD if self.unchecked else AD
        try:
            async with asyncio.timeout(self.timeout_s):
                wire = await answer_of(server, name, type_, flags)
        except OSError:  # silence among them
            self._silent.add(server)
            return Answered.TIMEOUT
        except EOFError:
            return Answered.SERVFAIL
        return read_answer(wire, type_) or Answered.SERVFAIL


def _system_servers(resolv_conf: str) -> list[tuple[str, int]]:
    """Its search lists are not for absolute names."""
    try:
        system = dns.asyncresolver.Resolver(resolv_conf)
    except (dns.resolver.NoResolverConfiguration, OSError):
        return [("127.0.0.1", 53)]  # what resolv.conf(5) says of an absent file
    return [(str(server), system.port) for server in system.nameservers]


def _read(
    answer: Answer | Answered, before: Records, seen: list[dns.name.Name]
) -> Records:
    """`before` is what led here; to `seen`, the names so far, aliases are added."""
    if isinstance(answer, Answered):
        return dataclasses.replace(before, answered=answer)
    is_first = len(seen) == 1
    ttls = _follow(answer, before.kind, seen)
    found = answer.of(seen[-1], dns.rdatatype.from_text(before.kind))
    ttls += [each.ttl_s for each in found]
    answered = _status(answer, bool(found), len(seen))
    is_there = answered is Answered.OK  # records beside a failure are none
    return dataclasses.replace(
        before,
        answered=answered,
        records=_ordered(before.kind, texts_of(found)) if is_there else (),
        aliases=tuple(map(_plain, seen[1:])),
        ttl_s=min(ttls) if is_there else answer.negative_ttl_s,
        authenticated=answer.authenticated and (before.authenticated or is_first),
        zone=_plain(answer.soa.owner) if answer.soa else None,
    )


def _follow(answer: Answer, kind: Kind, seen: list[dns.name.Name]) -> list[int]:
    """As far as the answer leads, and once round where it goes in a circle."""
    ttls: list[int] = []
    while kind != "CNAME" and len(seen) <= MOST_ALIASES:
        alias = answer.alias_of(seen[-1])
        if alias is None or seen[-1] in seen[:-1]:
            break
        seen.append(alias[0])
        ttls.append(alias[1])
    return ttls


def _status(answer: Answer, found: bool, names: int) -> Answered:
    match answer.rcode:
        case dns.rcode.NOERROR if names > MOST_ALIASES and not found:
            return Answered.SERVFAIL  # nobody knows where that ends
        case dns.rcode.NOERROR:
            return Answered.OK if found else Answered.NODATA
        case dns.rcode.NXDOMAIN:
            return Answered.NXDOMAIN
        case dns.rcode.REFUSED:
            return Answered.REFUSED
    return Answered.SERVFAIL


def _is_left_off(answer: Answer | Answered, found: Records) -> bool:
    """By a server that only knows its own zones: an alias leads out of them and
    nothing says that its target has no such records."""
    return (
        isinstance(answer, Answer)
        and found.answered is Answered.NODATA
        and len(set(found.aliases)) == len(found.aliases)
        and answer.soa is None
    )


def _ordered(kind: Kind, texts: list[str]) -> tuple[str, ...]:
    """Servers turn an answer round each time; what is shown should stand still."""
    if kind == "MX":  # by preference (RFC 5321 §5.1)
        texts.sort(key=lambda text: (int(text.partition(" ")[0]), text))
    elif kind == "TXT":
        texts.sort()
    return tuple(texts)


def _plain(name: dns.name.Name) -> str:
    """In small letters, without the dot at the end; the root alone is a dot."""
    return name.to_text().lower().rstrip(".") or "."
