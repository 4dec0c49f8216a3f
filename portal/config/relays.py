"""The grammar of hosts, ports and networks in lists: `10.0.0.0/8:25, [::1]:*`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeVar

from portal.address import BadAddress, is_address, parse_host

Network = IPv4Network | IPv6Network
T = TypeVar("T")


class BadValue(ValueError):
    """Why a value is refused; the caller puts the name of the variable in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowRule:
    """A relay that the operator permits. One of `network` and `host` is set;
    `port` None is every port."""

    network: Network | None = None
    host: str | None = None
    port: int | None = None


def items(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def each(text: str, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(read(item) for item in items(text))


def port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise BadValue(f"“{text}” is not a port from 1 to 65535")
    return int(text)


def host(text: str) -> str:
    """A host name as lower-case A-labels; a single label is a container's name."""
    name = host_or_address(text)
    if is_address(name):
        raise BadValue(f"“{text}” is not a host name")
    return name


def host_or_address(text: str) -> str:
    """A host name, or an address in its one spelling; IPv6 without brackets."""
    try:
        return parse_host(text)
    except BadAddress:
        raise BadValue(f"“{text}” is neither a host name nor an address") from None


def host_port(text: str) -> tuple[str, int]:
    name, number = _split(text)
    return host_or_address(name), port(number)


def address_port(text: str) -> tuple[str, int]:
    name, number = _split(text)
    return address(name), port(number)


def address(text: str) -> str:
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise BadValue(f"“{text}” is not an IP address") from None


def network(text: str) -> Network:
    bare = text.replace("[", "").replace("]", "")
    try:
        return ip_network(bare)
    except ValueError:
        pass
    try:
        proper = ip_network(bare, strict=False)
    except ValueError:
        raise BadValue(f"“{text}” is not a network like 10.0.0.0/8") from None
    raise BadValue(f"“{text}” has bits beyond its mask; write {proper}")


def allow_rule(text: str) -> AllowRule:
    """`CIDR:port`, `host:port`, `[v6]:port` or `[v6/64]:port`; `*` as port is any."""
    name, number = _split(text)
    which = None if number == "*" else port(number)
    if "/" in name or ":" in name or is_address(name):
        return AllowRule(network=network(name), port=which)
    return AllowRule(host=host(name), port=which)


def _split(text: str) -> tuple[str, str]:
    """The two sides of the last colon; IPv6 must stand in brackets."""
    if text.startswith("["):
        match = re.fullmatch(r"\[([^\[\]]+)\](/[0-9]{1,3})?:([^:]+)", text)
        if match is None or ":" not in match[1]:
            raise BadValue(f"“{text}” is not written as [IPv6]:port")
        return match[1] + (match[2] or ""), match[3]
    name, colon, number = text.rpartition(":")
    if not colon or not name:
        raise BadValue(f"“{text}” has no port: write host:port")
    if ":" in name:
        raise BadValue(f"“{text}” needs brackets around the IPv6 address")
    return name, number
