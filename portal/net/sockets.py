"""A connected socket to exactly one address, or a value that says why not."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from ipaddress import IPv6Address, ip_address

from portal.net.types import IPAddress, NetFailure, NetTrouble

# What the kernel may hold of our bytes: enough for a fast line, small enough
# that a relay which stops reading is noticed.
SEND_BUFFER = 256 * 1024

_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
}


async def connect(
    address: IPAddress,
    port: int,
    *,
    timeout_s: float,
    local_address: str | None = None,
) -> socket.socket | NetFailure:
    """A non-blocking TCP socket whose peer was compared with what was asked."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return _failure(address, port, error)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # asyncio sets it for its own sockets only. Without it the last, short block of
        # a mail waits for the acknowledgement of the one before: up to 40 ms.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trouble = _bind(made, address, local_address)
        if trouble is None:
            trouble = await _dial(made, address, port, timeout_s)
    except BaseException:
        made.close()
        raise
    if trouble is None:
        return made
    made.close()
    return trouble


def where(address: IPAddress, port: int) -> str:
    """For people: `203.0.113.40 port 587`, `[2001:db8::1] port 587`."""
    return f"{bracketed(address)} port {port}"


def bracketed(address: IPAddress) -> str:
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def is_own(address: IPAddress) -> bool:
    """Whether this machine itself answers at the address.

    A datagram socket that is connected (nothing is sent) gets the source the
    kernel would use; for an address of ours, and only then, it is the same one.
    """
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except OSError:
        return False


def _bind(
    made: socket.socket, address: IPAddress, local_address: str | None
) -> NetFailure | None:
    if local_address is None:
        return None
    try:
        made.bind((local_address, 0))
    except OSError as error:
        return NetFailure(
            trouble=NetTrouble.OTHER,
            words=(
                f"This machine cannot connect to {bracketed(address)} from"
                f" {local_address}: {_original(error)}."
            ),
            exception=type(error).__name__,
        )
    return None


async def _dial(
    made: socket.socket, address: IPAddress, port: int, timeout_s: float
) -> NetFailure | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.sock_connect(made, (str(address), port))
        peer, us = made.getpeername(), made.getsockname()
    except TimeoutError as error:
        seconds = f" in {timeout_s:.3g} s" if error.errno is None else ""
        return NetFailure(
            trouble=NetTrouble.TIMED_OUT,
            words=f"{where(address, port)} did not answer{seconds}: timed out.",
            exception="TimeoutError",
        )
    except OSError as error:
        return _failure(address, port, error)
    if ip_address(peer[0]) != address or peer[1] != port:
        return _another(address, port)
    if peer == us:  # a port of the ephemeral range can connect to itself
        return _failure(address, port, ConnectionRefusedError(errno.ECONNREFUSED, ""))
    return None


def _another(address: IPAddress, port: int) -> NetFailure:
    return NetFailure(
        trouble=NetTrouble.FORBIDDEN,
        words=f"Something else than {where(address, port)} answered there.",
    )


def _failure(address: IPAddress, port: int, error: OSError) -> NetFailure:
    trouble, verb = NetTrouble.OTHER, "could not be connected to"
    if isinstance(error, ConnectionRefusedError):
        trouble, verb = NetTrouble.REFUSED, "refused the connection"
    elif isinstance(error, ConnectionResetError):
        trouble, verb = NetTrouble.RESET, "reset the connection"
    elif error.errno in _UNREACHABLE:
        trouble, verb = NetTrouble.UNREACHABLE, "is unreachable"
    return NetFailure(
        trouble=trouble,
        words=f"{where(address, port)} {verb}: {_original(error)}.",
        exception=type(error).__name__,
    )


def _original(error: OSError) -> str:
    """`[Errno 111] Connection refused`, where asyncio says `Connect call failed`."""
    if error.errno is None or error.errno < 0:
        return str(error)
    return f"[Errno {error.errno}] {os.strerror(error.errno)}"
