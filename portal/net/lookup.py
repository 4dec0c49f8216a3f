"""Names to addresses: the system's resolver, or one DNS server the operator names.

Every answer of a resolver is a value.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from portal.net.answers import Answered, Kind
from portal.net.records import NameServers
from portal.net.types import IPAddress, NetFailure, NetTrouble

# What getaddrinfo says when the name is wrong rather than the resolver.
_NO_SUCH_HOST = {
    getattr(socket, name)
    for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")
    if hasattr(socket, name)
}
_NONAME = "[Errno -2] Name or service not known"
_TRY_S = 2.0
_ADDRESSES: tuple[Kind, ...] = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Resolver:
    """`dns` is `(ip, port)` of the only server to ask; None: the system's way."""

    dns: tuple[str, int] | None = None

    async def addresses(
        self, host: str, *, timeout_s: float
    ) -> tuple[IPAddress, ...] | NetFailure:
        """All IPv4 and IPv6 addresses of a host (`parse_host` spelling), once each.

        An IPv4 address in IPv6 clothes (`::ffff:127.0.0.1`) comes back undressed:
        the kernel connects to the IPv4 one.
        """
        try:
            return (_undressed(ip_address(host)),)
        except ValueError:
            pass
        try:
            async with asyncio.timeout(timeout_s):
                if self.dns is None:
                    found = await _ask_system(host)
                else:
                    found = await _ask_server(host, self.dns)
        except TimeoutError:
            return NetFailure(
                trouble=NetTrouble.TIMED_OUT,
                words=f"The look-up of {host} was not answered in {timeout_s:g} s.",
                exception="TimeoutError",
            )
        except (OSError, UnicodeError) as error:
            return _failure(host, error)
        if not found:
            return _no_such_host(host, _NONAME)
        return tuple(dict.fromkeys(_undressed(address) for address in found))


async def _ask_system(host: str) -> list[IPAddress]:
    """getaddrinfo in a thread of its own.

    Not in the loop's executor: a look-up that hangs cannot be stopped, and the
    executor would wait for it when the program ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[IPAddress]] = loop.create_future()

    def settle(found: list[IPAddress] | Exception) -> None:
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[IPAddress] | Exception
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = [ip_address(info[4][0]) for info in infos]
        except (OSError, ValueError) as error:
            found = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    return await answer


async def _ask_server(host: str, server: tuple[str, int]) -> list[IPAddress]:
    """A and AAAA at once. One of them is enough; IPv4 first, as it has no surprises.

    A server that is silent, or not there while it is restarted, is asked again until
    the caller has waited long enough.
    """
    servers = NameServers(server, timeout_s=_TRY_S, rounds=1)
    pause_s = 0.1
    while True:
        asked = (servers.ask(host, kind) for kind in _ADDRESSES)
        answers = await asyncio.gather(*asked)
        found = [ip_address(text) for answer in answers for text in answer.records]
        if found or all(answer.answered.is_known for answer in answers):
            return found
        if all(answer.answered is not Answered.TIMEOUT for answer in answers):
            words = "Temporary failure in name resolution"
            raise socket.gaierror(socket.EAI_AGAIN, words)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _TRY_S)


def _failure(host: str, error: Exception) -> NetFailure:
    """The same words from both resolvers, those that every Python client shows."""
    if isinstance(error, socket.gaierror):
        if error.errno in _NO_SUCH_HOST:
            return _no_such_host(host, str(error))
        return _no_answer(host, str(error))
    if isinstance(error, UnicodeError):
        return _no_such_host(host, _NONAME)
    return _no_answer(host, str(error))


def _no_such_host(host: str, original: str) -> NetFailure:
    return NetFailure(
        trouble=NetTrouble.NO_SUCH_HOST,
        words=f"{host} has no address: {original}.",
        exception="socket.gaierror",
    )


def _no_answer(host: str, original: str) -> NetFailure:
    return NetFailure(
        trouble=NetTrouble.RESOLVER_FAILED,
        words=f"The look-up of {host} failed: {original}.",
        exception="socket.gaierror",
    )


def _undressed(address: IPAddress) -> IPAddress:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return IPv4Address(address.ipv4_mapped)
    return address
