"""A sink that forgives nothing: what a careless relay would read in two ways is a fault.

Lone CR or LF, NUL, lines over 998 octets, 8-bit octets that were not declared, a dot
that was not stuffed, a command out of order or of another form than RFC 5321 §4.1.2
has it, more sent ahead than was offered. The first fault is kept and ends it all.
"""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field

LINE_OCTETS = 998  # RFC 5322 §2.1.1
PATH_OCTETS = 256  # RFC 5321 §4.5.3.1.3
_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_MAILBOX = rb"%s(?:\.%s)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+" % (_ATEXT, _ATEXT)
_MAIL = re.compile(rb"MAIL FROM:<(%s|)>((?: [A-Z0-9]+(?:=[!-<>-~]+)?)*)" % _MAILBOX)
_RCPT = re.compile(rb"RCPT TO:<(%s)>" % _MAILBOX)
_FIELD = re.compile(rb"([!-9;-~]+):(?: .*)?", re.DOTALL)


@dataclass(frozen=True)
class Taken:
    """One mail: its envelope, and its bytes with the dots taken off again."""

    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def names(self) -> list[str]:
        """The header's names in lower case, read as a relay reads them."""
        lines = self.content.partition(b"\r\n\r\n")[0].split(b"\r\n")
        fields = [line for line in lines if line[:1] not in (b" ", b"\t")]
        found = [_FIELD.fullmatch(line) for line in fields]
        assert all(found), fields
        return [each[1].decode().lower() for each in found if each]


@dataclass
class StrictSink:
    """`offers` may be changed between two connections. Use it in a `with`."""

    offers: frozenset[str] = frozenset()
    host: str = "127.0.0.1"
    port: int = 0
    mails: list[Taken] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    fault: str | None = None

    def __enter__(self) -> StrictSink:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def forget(self, offers: frozenset[str]) -> None:
        self.offers = offers
        self.mails.clear()
        self.commands.clear()

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            server = await self._loop.create_server(
                lambda: _Conversation(self), self.host, 0
            )
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            server.close()

        asyncio.run(serve())


class _Fault(Exception):
    pass


class _Conversation(asyncio.Protocol):
    def __init__(self, sink: StrictSink) -> None:
        self._sink = sink
        self._waiting = b""
        self._forget()

    def _forget(self) -> None:
        self._path: str | None = None
        self._options: list[str] = []
        self._recipients: list[str] = []
        self._in_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 strict.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        answers = b""
        try:
            while (answer := self._step()) is not None:
                answers += answer
        except _Fault as fault:
            self._sink.fault = self._sink.fault or str(fault)
            self._transport.write(answers + b"421 4.3.0 That was a fault\r\n")
            self._transport.close()
            return
        self._transport.write(answers)

    def _step(self) -> bytes | None:
        """The answer to the next command or content; None until more has come."""
        if self._in_content:
            content, dot, rest = self._waiting.partition(b"\r\n.\r\n")
            if not dot:
                return None
            if rest:
                raise _Fault(f"bytes behind the final dot: {rest!r}")
            self._waiting = rest
            return self._take(content + b"\r\n")
        line, end, rest = self._waiting.partition(b"\r\n")
        if not end:
            return None
        if rest and not self._may_be_ahead(line):
            raise _Fault(f"sent ahead of the answer to {line!r}: {rest!r}")
        self._waiting = rest
        _judge_line(line)
        self._sink.commands.append(line)
        return self._answer(line)

    def _may_be_ahead(self, line: bytes) -> bool:
        """RFC 2920 §3.1: DATA and EHLO may only be the last of a group."""
        return "PIPELINING" in self._sink.offers and line.startswith(
            (b"MAIL", b"RCPT", b"RSET")
        )

    def _answer(self, line: bytes) -> bytes:
        if line.startswith(b"EHLO "):
            offers = ["strict.test", "SIZE 50000000", *sorted(self._sink.offers)]
            lines = [f"250-{each}\r\n" for each in offers[:-1]]
            return ("".join(lines) + f"250 {offers[-1]}\r\n").encode()
        if line.startswith(b"MAIL"):
            return self._mail(line)
        if line.startswith(b"RCPT"):
            return self._rcpt(line)
        if line == b"DATA" and self._recipients:
            self._in_content = True
            return b"354 go\r\n"
        if line in (b"RSET", b"NOOP", b"QUIT"):
            self._forget()
            return b"221 Bye\r\n" if line == b"QUIT" else b"250 OK\r\n"
        raise _Fault(f"no command for now: {line!r}")

    def _mail(self, line: bytes) -> bytes:
        found = _MAIL.fullmatch(line)
        if found is None or self._path is not None:
            raise _Fault(f"no MAIL of RFC 5321: {line!r}")
        self._path = self._path_of(found[1])
        self._options = found[2].decode().split()
        for option in self._options:
            known = {"SIZE", "BODY=8BITMIME", "SMTPUTF8"}
            if option.partition("=")[0] not in known and option not in known:
                raise _Fault(f"an option nobody knows: {option}")
        if "SMTPUTF8" in self._options and "SMTPUTF8" not in self._sink.offers:
            raise _Fault("SMTPUTF8 was not offered")
        if "BODY=8BITMIME" in self._options and "8BITMIME" not in self._sink.offers:
            raise _Fault("8BITMIME was not offered")
        if not found[1].isascii() and "SMTPUTF8" not in self._options:
            raise _Fault(f"a path beyond ASCII without SMTPUTF8: {line!r}")
        return b"250 2.1.0 OK\r\n"

    def _rcpt(self, line: bytes) -> bytes:
        found = _RCPT.fullmatch(line)
        if found is None or self._path is None:
            raise _Fault(f"no RCPT of RFC 5321: {line!r}")
        if not found[1].isascii() and "SMTPUTF8" not in self._options:
            raise _Fault(f"a path beyond ASCII without SMTPUTF8: {line!r}")
        self._recipients.append(self._path_of(found[1]))
        return b"250 2.1.5 OK\r\n"

    def _path_of(self, path: bytes) -> str:
        if len(path) > PATH_OCTETS - 2:
            raise _Fault(f"a path of {len(path)} octets")
        return path.decode()

    def _take(self, stuffed: bytes) -> bytes:
        lines = stuffed.split(b"\r\n")[:-1]
        header_ends = lines.index(b"") if b"" in lines else len(lines)
        for number, line in enumerate(lines):
            _judge_line(line)
            if line.startswith(b".") and not line.startswith(b".."):
                raise _Fault(f"a dot that was not stuffed: {line!r}")
            if line.isascii():
                continue
            if "BODY=8BITMIME" not in self._options:
                raise _Fault(f"8-bit octets that were not declared: {line!r}")
            if number < header_ends and "SMTPUTF8" not in self._options:
                raise _Fault(f"8-bit octets in the header: {line!r}")
        plain = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)
        self._judge_size(plain)
        assert self._path is not None
        taken = Taken(self._path, tuple(self._recipients), plain)
        self._sink.mails.append(taken)
        self._forget()
        return b"250 2.0.0 OK taken\r\n"

    def _judge_size(self, plain: bytes) -> None:
        """RFC 1870 §3: what was said in MAIL is what came."""
        said = [option for option in self._options if option.startswith("SIZE=")]
        if said != [f"SIZE={len(plain)}"]:
            raise _Fault(f"{said} for {len(plain)} octets")


def _judge_line(line: bytes) -> None:
    if b"\r" in line or b"\n" in line:
        raise _Fault(f"a lone CR or LF: {line!r}")
    if b"\0" in line:
        raise _Fault(f"a NUL: {line!r}")
    if len(line.removeprefix(b".")) > LINE_OCTETS:
        raise _Fault(f"a line of {len(line)} octets")
