"""Addresses of an own relay: where it is, what they are called, who leads back."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from portal.deliverability.asking import Asking
from portal.deliverability.types import IPAddress, Status, Subject
from portal.net.records import Answered, Dns, Kind, Records

MOST_ADDRESSES = 8
# Where no receiver sees a mail come from: RFC 1918, 6598, 1122, 3927, 4193, 4291.
_INNER = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An address, its names, and what is wrong with them. Its PTR stands at `place`,
    or would: where an alias leads from the usual one (RFC 2317 §4)."""

    ip: IPAddress
    place: str
    names: tuple[str, ...] = ()
    reasons: dict[str, Status]

    @property
    def is_known(self) -> bool:
        return Status.UNKNOWN not in self.reasons.values()


async def addresses_of(dns: Dns, host: str) -> tuple[IPAddress, ...]:
    """Where a relay is that sends from the address of its own name, or is told by it."""
    with suppress(ValueError):
        return (ip_address(host.strip("[]")),)
    answers = await asyncio.gather(dns.ask(host, "A"), dns.ask(host, "AAAA"))
    return tuple(ip_address(text) for each in answers for text in each.records)


def outside(ips: Iterable[IPAddress]) -> tuple[IPAddress, ...]:
    """Those that a receiver can see; IPv4 in IPv6 clothes is seen as IPv4."""
    plain = (getattr(ip, "ipv4_mapped", None) or ip for ip in ips)
    return tuple(ip for ip in plain if not any(ip in each for each in _INNER))


def concern(subject: Subject) -> bool:
    """Whether any are the tenant's business: those of a provider are not."""
    return subject.sends_itself and bool(subject.relay_ips)


def kind_of(ip: IPAddress) -> Kind:
    """Of the records that lead to it."""
    return "A" if ip.version == 4 else "AAAA"


async def leads_back(asking: Asking, name: str, ip: IPAddress) -> bool | Answered:
    """Or why nobody knows."""
    answer = await asking.ask(name, kind_of(ip))
    return has(answer, ip) if answer.answered.is_known else answer.answered


def has(answer: Records, ip: IPAddress) -> bool:
    return any(ip_address(text) == ip for text in answer.records)


def is_generic(name: str, ip: IPAddress) -> bool:
    """A name made of the address, as access networks have them: its numbers in any
    order, its digits in a row, or as hexadecimal ones."""
    if ip.version == 6:
        digits = ip.exploded.replace(":", "")
        short = "-".join(f"{int(each, 16):x}" for each in ip.exploded.split(":"))
        written = (ip.compressed.replace(":", "-"), short)
        plain = name.replace("-", "").replace(".", "")
        return digits in plain or any(each in name for each in written)
    parts = [int(each) for each in str(ip).split(".")]
    numbers = Counter(int(each) for each in re.findall(r"\d{1,3}(?!\d)", name))
    in_a_row = ("".join(f"{each:03}" for each in parts), f"{int(ip):08x}")
    return Counter(parts) <= numbers or any(each in name for each in in_a_row)
