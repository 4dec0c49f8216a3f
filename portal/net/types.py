"""What the net answers: values for everything a resolver or a socket may do."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

IPAddress = IPv4Address | IPv6Address


class NetTrouble(StrEnum):
    """Why a name was not resolved or a connection was not made."""

    NO_SUCH_HOST = "no_such_host"
    RESOLVER_FAILED = "resolver_failed"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TLS = "tls"  # HTTPS alone: the handshake or the certificate
    PROTOCOL = "protocol"  # HTTPS alone: what came is no HTTP
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The addresses of a host, each of them permitted for the port asked."""

    host: str
    addresses: tuple[IPAddress, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetFailure:
    """A look-up or a connection that did not come about.

    `exception` is the Python class a client library would have raised;
    `words` a sentence for people; `remedy` the exact setting that allows a
    forbidden target (`PORTAL_RELAY_ALLOW=10.0.0.5:25`), shown to owners only.
    """

    trouble: NetTrouble
    words: str
    exception: str | None = None
    remedy: str | None = None


class Net(Protocol):
    """The only way to names and sockets; guarded for tenants, open in the shell."""

    async def find(
        self, host: str, port: int, *, timeout_s: float
    ) -> Found | NetFailure:
        """Resolve once and judge every address for this port."""
        ...

    async def open(
        self,
        address: IPAddress,
        port: int,
        *,
        timeout_s: float,
        local_address: str | None = None,
    ) -> socket.socket | NetFailure:
        """A connected, non-blocking socket to exactly this address."""
        ...
