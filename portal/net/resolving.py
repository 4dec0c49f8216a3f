"""How a name is asked for and an answer understood: the work of `records`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype

from portal.net.answers import Answered, Kind, Records
from portal.net.questions import AD, CD, answer_of
from portal.net.reading import Answer, read_answer, texts_of

MOST_ALIASES = 10
_TELLING = {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Whom to ask and how; those who do not answer are added to `silent`."""

    addresses: list[tuple[str, int]]
    silent: set[tuple[str, int]]
    timeout_s: float
    rounds: int
    unchecked: bool


async def ask(
    servers: Servers, name: str, kind: Kind, one_more: Callable[[], bool]
) -> Records:
    """As `Dns.ask`."""
    found = Records(name=name, kind=kind, answered=Answered.NXDOMAIN)
    try:
        asked = dns.name.from_text(name, origin=dns.name.root)
    except (dns.exception.DNSException, UnicodeError):
        return found
    seen, type_ = [asked], dns.rdatatype.from_text(kind)
    while True:
        answer = await _asked(servers, seen[-1], type_)
        before = len(seen)
        found = _read(answer, found, seen)
        if not _is_left_off(answer, found) or not before < len(seen):
            return found
        if not one_more():
            return dataclasses.replace(found, answered=Answered.TIMEOUT)


async def _asked(
    servers: Servers, name: dns.name.Name, type_: int
) -> Answer | Answered:
    question, refusing = name.to_digestable(), set()
    last: Answer | Answered = Answered.TIMEOUT
    in_turn = sorted(servers.addresses, key=servers.silent.__contains__)
    for server in in_turn * servers.rounds:
        if server in refusing:
            continue  # and will not change its mind
        last = await _sent(servers, question, type_, server)
        if isinstance(last, Answered):
            continue
        if last.rcode in _TELLING:
            return last
        if last.rcode == dns.rcode.REFUSED:
            refusing.add(server)
    return last


async def _sent(
    servers: Servers, name: bytes, type_: int, server: tuple[str, int]
) -> Answer | Answered:
    flags = AD | CD if servers.unchecked else AD
    try:
        async with asyncio.timeout(servers.timeout_s):
            wire = await answer_of(server, name, type_, flags)
    except OSError:  # silence among them
        servers.silent.add(server)
        return Answered.TIMEOUT
    except EOFError:
        return Answered.SERVFAIL
    return read_answer(wire, type_) or Answered.SERVFAIL


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
