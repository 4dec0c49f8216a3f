"""The bytes of a connection: aiosmtplib, tamed for relays that misbehave.

Three things the library does not do: it lets a reply be long (the code counts,
the text is cut), it knows when a relay speaks out of turn, and it connects and
shakes hands in two steps, so that silence has a place.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

LINE_OCTETS = 1_000
REPLY_OCTETS = 24_000  # the library breaks off at 32 KB
_CODED = re.compile(rb"[2-5][0-9]{2}(?:[ -]|$)")
_CLOSE_S = 1.0


class Wire(SMTPProtocol):
    """Hands whole replies of sane size to the library, one for each question."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.spoke_unasked = False
        self.lost = asyncio.Event()
        self._asked = False
        self._answered = False  # a whole reply waits to be read
        self._line = bytearray()
        self._reply = bytearray()
        self._room = asyncio.Event()
        self._room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._asked = True  # the greeting comes unasked (RFC 5321 §3.1)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()
        self._room.set()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._room.clear()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._room.set()

    def write(self, data: bytes) -> None:
        self._asked = True
        super().write(data)

    async def read_response(
        self,
        timeout: float | None = None,  # noqa: ASYNC109, the library's name
    ) -> SMTPResponse:
        if not self._answered:
            self._asked = True
        try:
            return await super().read_response(timeout)
        finally:
            self._answered = False

    async def drained(self) -> None:
        """Returns when the connection takes more bytes, or is gone."""
        await self._room.wait()

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            if not self._asked:
                # RFC 3207 §5: what stands behind the 220 may be an attacker's.
                self.spoke_unasked = True
                return
            end = data.find(b"\n", start)
            stop = len(data) if end < 0 else end
            self._line += data[start : min(stop, start + LINE_OCTETS)]
            del self._line[LINE_OCTETS:]
            if end >= 0:
                self._take(bytes(self._line).rstrip(b"\r"))
                self._line.clear()
            start = stop + 1

    def _take(self, line: bytes) -> None:
        more = line[3:4] == b"-"
        if not _CODED.match(line):
            # No reply at all: code 0 says so, and its words are kept.
            line, more = b"000 " + line, False
        if not more or len(self._reply) < REPLY_OCTETS:
            self._reply += line + b"\r\n"
        if more:
            return
        self._asked, self._answered = False, True
        reply = bytes(self._reply)
        self._reply.clear()
        super().data_received(reply)


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
