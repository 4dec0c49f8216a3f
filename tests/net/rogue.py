"""A name server that answers whatever a test wants, octet by octet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import dns.message
import dns.rrset

Datagrams = Callable[[bytes], Sequence[bytes]]
Stream = Callable[[bytes], bytes]


class Rogue:
    """`datagrams` makes of a query what is sent back, `stream` what is said over TCP
    before the end; without it nobody listens there. `keeps_open`: the end never comes.
    `heard` are the queries, `callers` where they came from."""

    def __init__(
        self,
        datagrams: Datagrams,
        stream: Stream | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keeps_open: bool = False,
    ) -> None:
        self._datagrams, self._stream = datagrams, stream
        self._keeps_open = keeps_open
        self._held: list[socket.socket] = []
        self.heard: list[bytes] = []
        self.callers: list[tuple[str, int]] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._udp, self._tcp = _both(family, (host, port), listening=stream is not None)
        self.address: tuple[str, int] = self._udp.getsockname()[:2]
        self._threads = [threading.Thread(target=self._hear, daemon=True)]
        if self._tcp:
            self._threads.append(threading.Thread(target=self._serve, daemon=True))

    def __enter__(self) -> Rogue:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(self._udp.family, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)
        if self._tcp:
            with suppress(OSError):
                self._tcp.shutdown(socket.SHUT_RDWR)
            self._tcp.close()
        for thread in self._threads:
            thread.join()
        for each in (self._udp, *self._held):
            each.close()

    def _hear(self) -> None:
        while True:
            wire, peer = self._udp.recvfrom(65535)
            if not wire:
                return
            self.heard.append(wire)
            self.callers.append(peer[:2])
            for answer in self._datagrams(wire):
                self._udp.sendto(answer, peer)

    def _serve(self) -> None:
        assert self._tcp and self._stream
        while True:
            try:
                connected, _ = self._tcp.accept()
            except OSError:
                return
            self._held.append(connected)
            connected.recv(2, socket.MSG_WAITALL)
            connected.sendall(self._stream(connected.recv(65535)))
            if not self._keeps_open:
                connected.shutdown(socket.SHUT_RDWR)


def _both(
    family: int, at: tuple[str, int], *, listening: bool
) -> tuple[socket.socket, socket.socket | None]:
    """At one port, which somebody else may hold for one of the two."""
    while True:
        udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family)
        try:
            udp.bind(at)
            if listening:
                tcp.bind(udp.getsockname()[:2])
                tcp.listen()
                return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
            if at[1]:
                raise
        else:
            tcp.close()
            return udp, None


def answer(query: bytes, *records: str, rcode: int = 0, cut: bool = False) -> bytes:
    """What an honest server would say; a record is `name kind value`."""
    asked = dns.message.from_wire(query)
    reply = dns.message.make_response(asked)
    for record in records:
        name, kind, value = record.split(" ", 2)
        reply.answer.append(dns.rrset.from_text(name, 300, 1, kind, value))
    reply.set_rcode(rcode)
    reply.flags |= dns.flags.TC if cut else 0
    return reply.to_wire(max_size=65535)
