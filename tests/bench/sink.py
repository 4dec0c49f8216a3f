"""A relay that only counts, in a process of its own, as fast as Python allows.

It speaks PIPELINING, 8BITMIME, SMTPUTF8 and SIZE, takes AUTH PLAIN from anybody,
and holds every answer back for the round trip that it plays. Orders come as lines
on standard input; each is answered by one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import sys
import time
from pathlib import Path

MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r\n[ \t])?(<[^>\r\n]+>)", re.I | re.M)
OFFERS = (
    b"250-sink\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n"
    b"250-SMTPUTF8\r\n250 AUTH PLAIN\r\n"
)
PLAIN_OFFERS = OFFERS.replace(b"250-PIPELINING\r\n", b"")
END = b"\r\n.\r\n"


class Kept:
    """What arrived: (Message-ID, monotonic seconds of the 250)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, float]] = []
        self.connections = 0


class Relay(asyncio.Protocol):
    def __init__(self, kept: Kept, latency_s: float, offers: bytes) -> None:
        self._kept = kept
        self._latency_s = latency_s
        self._offers = offers
        self._buffer = b""
        self._in_content = False
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._kept.connections += 1
        self._later(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = []
        while (answer := self._next()) is not None:
            answers.append(answer)
        if answers:
            self._later(b"".join(answers))

    def _later(self, answer: bytes) -> None:
        if self._latency_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency_s, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _next(self) -> bytes | None:
        return self._content() if self._in_content else self._command()

    def _content(self) -> bytes | None:
        end = self._buffer.find(END, max(self._searched - len(END), 0))
        if end < 0:
            self._searched = len(self._buffer)
            return None
        found = MESSAGE_ID.search(self._buffer, 0, end + 2)
        name = found[1].decode() if found else "?"
        self._buffer = self._buffer[end + len(END) :]
        self._in_content, self._searched = False, 0
        # The client reads it one round trip after it wrote the dot.
        self._kept.mails.append((name, time.monotonic() + self._latency_s))
        return b"250 2.0.0 kept\r\n"

    def _command(self) -> bytes | None:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return None
        self._buffer = rest
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_content = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return self._offers
        if verb == b"AUTH":
            return b"235 2.7.0 welcome\r\n"
        if verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
            return None
        return b"250 2.1.0 fine\r\n"


async def serve(latency_s: float, chain: Path | None, *, pipelining: bool) -> None:
    kept = Kept()
    loop = asyncio.get_running_loop()
    context = None
    if chain:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
    offers = OFFERS if pipelining else PLAIN_OFFERS
    server = await loop.create_server(
        lambda: Relay(kept, latency_s, offers), "127.0.0.1", 0, ssl=context, backlog=512
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    while order := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if order == "count":
            told: object = len(kept.mails)
        elif order == "take":
            told, kept.mails = kept.mails, []
        else:
            told = {"connections": kept.connections}
        print(json.dumps(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--chain", type=Path)
    parser.add_argument("--no-pipelining", action="store_true")
    asked = parser.parse_args()
    asyncio.run(
        serve(asked.latency_ms / 1000, asked.chain, pipelining=not asked.no_pipelining)
    )


if __name__ == "__main__":
    main()
