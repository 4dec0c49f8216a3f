"""Nets without the guard: the operator's own shell, and one port of loopback."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

from portal.address import BadAddress, parse_host
from portal.net import sockets
from portal.net.lookup import Resolver
from portal.net.types import Found, IPAddress, NetFailure, NetTrouble

_LOOPBACK = IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class OpenNet:
    """Whatever the operator names. Never for what a tenant causes."""

    dns: tuple[str, int] | None = None

    async def find(
        self, host: str, port: int, *, timeout_s: float
    ) -> Found | NetFailure:
        try:
            name = parse_host(host)
        except BadAddress as error:
            return NetFailure(trouble=NetTrouble.NO_SUCH_HOST, words=str(error))
        addresses = await Resolver(self.dns).addresses(name, timeout_s=timeout_s)
        if isinstance(addresses, NetFailure):
            return addresses
        return Found(host=name, addresses=addresses)

    async def open(
        self,
        address: IPAddress,
        port: int,
        *,
        timeout_s: float,
        local_address: str | None = None,
    ) -> socket.socket | NetFailure:
        return await sockets.connect(
            address, port, timeout_s=timeout_s, local_address=local_address
        )


@dataclass(frozen=True, slots=True)
class LoopbackNet:
    """127.0.0.1 at one port, whatever name is asked: the sandbox, and no more."""

    port: int

    async def find(
        self, host: str, port: int, *, timeout_s: float
    ) -> Found | NetFailure:
        if port != self.port:
            return _not_here(port)
        return Found(host=host, addresses=(_LOOPBACK,))

    async def open(
        self,
        address: IPAddress,
        port: int,
        *,
        timeout_s: float,
        local_address: str | None = None,
    ) -> socket.socket | NetFailure:
        if (address, port) != (_LOOPBACK, self.port):
            return _not_here(port)
        return await sockets.connect(address, port, timeout_s=timeout_s)


def _not_here(port: int) -> NetFailure:
    return NetFailure(
        trouble=NetTrouble.FORBIDDEN, words=f"The sandbox is not at port {port}."
    )
