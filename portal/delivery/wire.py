"""The bytes of a connection: aiosmtplib, tamed for relays that misbehave.

Four things the library does not do: it lets a reply be long (the code counts, the
text is cut), it keeps several replies in order for commands sent together (RFC 2920),
it knows when a relay speaks out of turn, and it connects and shakes hands in two
steps, so that silence has a place.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

LINE_OCTETS = 1_000
REPLY_OCTETS = 24_000
_CODED = re.compile(rb"[2-5][0-9]{2}(?:[ -]|$)")
_GO_AHEAD = 354
_CLOSE_S = 1.0


class Wire(SMTPProtocol):
    """Whole replies of sane size, as many as were asked for, in their order."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.spoke_unasked = False
        self.lost = asyncio.Event()
        self.is_full = False  # the kernel takes no more for now
        self._owed = 0  # replies that the relay has still to give
        self._replies: deque[SMTPResponse] = deque()
        self._ended: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._line = bytearray()
        self._lines: list[bytes] = []
        self._octets = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._owed = 1  # the greeting comes unasked (RFC 5321 §3.1)

    def eof_received(self) -> bool:
        self._end(aiosmtplib.SMTPServerDisconnected("Unexpected EOF received"))
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        error = aiosmtplib.SMTPServerDisconnected("Connection lost")
        error.__cause__ = exc
        self._end(error)
        self.lost.set()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.is_full = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self.is_full = False
        self._stir()

    @property
    def has_reply(self) -> bool:
        """One that nobody has read yet."""
        return bool(self._replies)

    @property
    def has_news(self) -> bool:
        """A reply that nobody has read yet, or the end of the connection."""
        return self.has_reply or self._ended is not None

    def write(self, data: bytes) -> None:
        """One command, as the library sends it."""
        self.send(data, replies=1)

    def send(self, data: bytes, *, replies: int) -> None:
        """Writes what is answered by so many replies: `next_response` has them."""
        self._owed += replies
        super().write(data)

    def next_response(self) -> SMTPResponse:
        """The oldest reply not read yet, of those there are."""
        return self._replies.popleft()

    def raise_end(self) -> None:
        """Raises what ended the connection."""
        raise self._ended or aiosmtplib.SMTPServerDisconnected("Connection lost")

    async def read_response(
        self,
        timeout: float | None = None,  # noqa: ASYNC109, the library's name
    ) -> SMTPResponse:
        while not self.has_news:
            await self.stirred()
        if not self.has_reply:
            self.raise_end()
        return self.next_response()

    async def stirred(self) -> None:
        """Returns when there is news, or room for more bytes. For one waiter."""
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            if not self._owed:
                # RFC 3207 §5: what stands behind the 220 may be an attacker's.
                self.spoke_unasked = True
                break
            end = data.find(b"\n", start)
            stop = len(data) if end < 0 else end
            self._line += data[start : min(stop, start + LINE_OCTETS)]
            del self._line[LINE_OCTETS:]
            if end >= 0:
                self._take(bytes(self._line).rstrip(b"\r"))
                self._line.clear()
            start = stop + 1
        if self._replies:
            self._stir()

    def _take(self, line: bytes) -> None:
        more, code = line[3:4] == b"-", 0
        if _CODED.match(line):
            code, line = int(line[:3]), line[4:]
        else:
            more = False  # no reply at all: code 0 says so, and its words are kept
        if not more or self._octets < REPLY_OCTETS:
            self._octets += len(line) + 4
            self._lines.append(line.strip(b" \t\r"))
        if more:
            return
        text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
        self._lines.clear()
        self._octets = 0
        self._replies.append(SMTPResponse(code, text))
        if code != _GO_AHEAD:  # that one owes another, to what follows it
            self._owed -= 1

    def _end(self, error: Exception) -> None:
        self._ended = self._ended or error
        self._stir()

    def _stir(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Client(aiosmtplib.SMTP):
    """One connection, its opening taken apart. Commands go by `execute_command`."""

    def __init__(self, name: str) -> None:
        super().__init__(hostname=name, timeout=None, start_tls=False)
        self.name = name
        self.wire: Wire | None = None

    async def take(
        self, connected: socket.socket, context: ssl.SSLContext | None, limit_s: float
    ) -> None:
        """Uses a connected socket. With a context the handshake of implicit TLS
        follows (RFC 8314 §3); beyond it nothing is said or heard yet."""
        self.loop = asyncio.get_running_loop()
        wire = Wire()
        try:
            transport, _ = await self.loop.create_connection(
                lambda: wire,
                sock=connected,
                ssl=context,
                server_hostname=self.name if context else None,
                ssl_handshake_timeout=limit_s + 1 if context else None,
            )
        except BaseException:
            connected.close()
            raise
        self.wire = self.protocol = wire
        self.transport = transport

    async def next_reply(self) -> SMTPResponse:
        """The greeting; or the answer to the dot, which may come before it."""
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return await self.protocol.read_response(timeout=None)

    async def encrypt(self, context: ssl.SSLContext, limit_s: float) -> None:
        """The handshake after the 220 of STARTTLS."""
        wire, transport = self.wire, self.transport
        if wire is None or not isinstance(transport, asyncio.WriteTransport):
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        upgraded = await asyncio.get_running_loop().start_tls(
            transport,
            wire,
            context,
            server_hostname=self.name,
            ssl_handshake_timeout=limit_s + 1,
        )
        wire.transport = self.transport = upgraded

    @property
    def over_tls(self) -> ssl.SSLObject | None:
        if not self.is_connected:
            return None
        return cast("ssl.SSLObject | None", self.get_transport_info("ssl_object"))

    @property
    def is_quiet(self) -> bool:
        """Connected, and the relay has not spoken out of turn."""
        return self.is_connected and not (self.wire and self.wire.spoke_unasked)

    async def drop(self) -> None:
        """Ends the connection at once: what was begun is not finished."""
        transport = self.transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        self.close()
        if self.wire is not None:
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await self.wire.lost.wait()
            except TimeoutError:
                return
