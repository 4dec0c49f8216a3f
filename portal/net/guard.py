"""The address guard: what a tenant asks us to connect to, judged every time.

A forbidden target is never connected to, and whatever runs there the answer is
one sentence after one constant time (SSRF, in short:
judge the resolved address and never its spelling; each of a host's addresses
must pass; the socket is pinned to the one that was judged).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from portal.address import BadAddress, parse_host
from portal.config import AllowRule, Settings
from portal.net import sockets, special
from portal.net.lookup import Resolver
from portal.net.types import Found, IPAddress, NetFailure, NetTrouble

USUAL_PORTS = frozenset({25, 465, 587, 2465, 2525, 2587})
HTTPS_PORTS = frozenset({443})
MAX_ADDRESSES = 16
_SYSTEM = Resolver()
SENTENCE = "This portal may not connect to that host and port."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator permits. `forbidden_s` is how long every refusal takes.

    `for_relays` says that a setting can add to `ports`.
    """

    allow: tuple[AllowRule, ...] = ()
    ports: frozenset[int] = USUAL_PORTS
    for_relays: bool = True
    own_addresses: frozenset[IPAddress] = frozenset()
    is_own: Callable[[IPAddress], bool] = sockets.is_own
    resolver: Resolver = _SYSTEM
    forbidden_s: float = 2.0


def policy_of(
    settings: Settings,
    extra_allow: Iterable[AllowRule] = (),
    *,
    forbidden_s: float = 2.0,
    https: bool = False,
) -> Policy:
    """The policy of the environment; `extra_allow` is for the operator's own relay.

    With `https` it is the one for token end points: port 443, or an entry of
    PORTAL_RELAY_ALLOW that names host and port.
    """
    return Policy(
        allow=(*settings.relay_allow, *extra_allow),
        ports=HTTPS_PORTS if https else settings.relay_ports | USUAL_PORTS,
        for_relays=not https,
        own_addresses=frozenset(map(ip_address, settings.egress_ips)),
        resolver=Resolver(settings.dns),
        forbidden_s=forbidden_s,
    )


@dataclass(frozen=True, slots=True, eq=False)
class GuardedNet:
    """A Net for everything that a tenant causes."""

    policy: Policy
    # Addresses that only a `host:port` entry permits, as found for that host.
    _by_name: set[tuple[IPAddress, int]] = field(default_factory=set, repr=False)

    async def find(
        self, host: str, port: int, *, timeout_s: float
    ) -> Found | NetFailure:
        started = time.monotonic()
        answer = await self._find(host, port, timeout_s)
        if isinstance(answer, NetFailure) and answer.trouble is NetTrouble.FORBIDDEN:
            passed = time.monotonic() - started
            await asyncio.sleep(self.policy.forbidden_s - passed)
        return answer

    async def open(
        self,
        address: IPAddress,
        port: int,
        *,
        timeout_s: float,
        local_address: str | None = None,
    ) -> socket.socket | NetFailure:
        permitted = _permits(self.policy, None, address, port)
        if not permitted and (address, port) not in self._by_name:
            return _forbidden(None)
        return await sockets.connect(
            address, port, timeout_s=timeout_s, local_address=local_address
        )

    async def _find(self, host: str, port: int, timeout_s: float) -> Found | NetFailure:
        try:
            name = parse_host(host)
        except BadAddress:
            return _forbidden(None)
        if special.is_metadata_name(name):
            return _forbidden(None)
        # What cannot be permitted is not told from what is not there.
        hidden = not _may_be_permitted(self.policy, name, port)
        patience_s = min(timeout_s, self.policy.forbidden_s) if hidden else timeout_s
        addresses = await self.policy.resolver.addresses(name, timeout_s=patience_s)
        if isinstance(addresses, NetFailure):
            return _forbidden(None) if hidden else addresses
        if len(addresses) > MAX_ADDRESSES:
            return NetFailure(
                trouble=NetTrouble.OTHER,
                words=f"{name} has more than {MAX_ADDRESSES} addresses.",
            )
        refused = [
            address
            for address in addresses
            if not _permits(self.policy, name, address, port)
        ]
        if refused:
            return _forbidden(_remedy(self.policy, refused, port))
        for address in addresses:
            if not _permits(self.policy, None, address, port):
                self._by_name.add((address, port))
        return Found(host=name, addresses=addresses)


def _may_be_permitted(policy: Policy, host: str, port: int) -> bool:
    """Before it is known where the name leads."""
    for rule in policy.allow:
        if rule.port in (None, port) and (rule.network or rule.host == host):
            return True
    return port in policy.ports and not special.is_inner_name(host)


def _permits(policy: Policy, host: str | None, address: IPAddress, port: int) -> bool:
    if any(_allows(rule, host, address, port) for rule in policy.allow):
        return True
    return port in policy.ports and _is_open_internet(policy, address)


def _is_open_internet(policy: Policy, address: IPAddress) -> bool:
    address = special.embedded(address)
    return not (
        special.is_special(address)
        or special.is_metadata(address)
        or address in policy.own_addresses
        or policy.is_own(address)
    )


def _allows(rule: AllowRule, host: str | None, address: IPAddress, port: int) -> bool:
    if rule.port not in (None, port):
        return False
    if rule.network is None:
        return rule.host == host and not special.is_metadata(address)
    if special.is_metadata(address) and rule.network.num_addresses > 1:
        return False  # only an entry that names nothing else can mean it
    return address in rule.network


def _remedy(policy: Policy, refused: list[IPAddress], port: int) -> str | None:
    """The setting that allows it, for the eyes of an owner."""
    if any(special.is_metadata(address) for address in refused):
        return None
    open_internet = all(_is_open_internet(policy, address) for address in refused)
    if open_internet and policy.for_relays:
        return f"PORTAL_RELAY_PORTS={port}"
    entries = [f"{sockets.bracketed(address)}:{port}" for address in refused]
    return f"PORTAL_RELAY_ALLOW={','.join(entries)}"


def _forbidden(remedy: str | None) -> NetFailure:
    return NetFailure(trouble=NetTrouble.FORBIDDEN, words=SENTENCE, remedy=remedy)
