"""A relay that plays a dialog file: one conversation as text, one behaviour a file.

    S: 220 relay.example ESMTP       what the relay says
    C: MAIL FROM:<*>*                what we must say; `*` is anything
    C: (content)                     the content, up to its final dot
    ! close                          hang up
    ! reset                          hang up with RST
    ! silence                        say nothing until the other side leaves
    ! deaf                           read nothing more, and stay
    ! tls [certificate]              the handshake of STARTTLS or of implicit TLS
    ! raw 250 queued\\xff\\r\\n         these bytes, as they are
    ! drip 250 OK                    one byte at a time, 20 a second
    ! read 70000                     this many bytes, then go on
    ! many 5000000 250-x             a reply of that many bytes of such lines
    ! join                           what follows, up to a C:, is one write
    ! await DATA                     read, and say nothing, until this line is there
    # a remark

A line of the client that differs is kept in `surprise` and ends the connection.
With `pipelining=True` the same dialog is of a relay that offers PIPELINING and
answers 503 to each RCPT and DATA that was sent ahead of a refusal.
"""

from __future__ import annotations

import contextlib
import fnmatch
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from pathlib import Path

DIALOGS = Path(__file__).parent / "dialogs"
PATIENCE_S = 30
_IN_VAIN = ("! silence", "! deaf", "! drip")


class _Left(Exception):
    """The other side is gone, or said what the dialog does not know."""


class ScriptedRelay:
    """Plays its dialog to everyone who connects, until it is closed."""

    def __init__(
        self,
        dialog: str,
        contexts: Mapping[str, ssl.SSLContext],
        *,
        pipelining: bool = False,
    ) -> None:
        self.host = "127.0.0.1"
        self.pipelining = pipelining
        self.commands: list[str] = []
        self.contents: list[bytes] = []
        self.received = b""  # every byte of the client, after TLS was taken off
        self.reads: list[bytes] = []  # the same, as it came in
        self.connections = 0
        self.surprise: str | None = None
        self._lines = [
            line for line in dialog.splitlines() if line and not line.startswith("#")
        ]
        if pipelining:
            self._lines = _offering(self._lines)
        self._contexts = contexts
        self._server = socket.create_server((self.host, 0))
        # Small, so that a relay which reads no more is noticed.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.port: int = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._begin(self._accept)

    @property
    def falls_silent(self) -> bool:
        """Whether somebody waits in vain for it."""
        return any(line.startswith(_IN_VAIN) for line in self._lines)

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _begin(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE_S)
            self._open.append(connection)
            self.connections += 1
            self._begin(self._play, connection)

    def _play(self, connection: socket.socket) -> None:
        player = _Player(self, connection)
        with contextlib.suppress(_Left, OSError):
            for number, line in enumerate(self._lines):
                player.step(line, self._lines[number + 1 :])
        player.end()


class _Player:
    def __init__(self, relay: ScriptedRelay, connection: socket.socket) -> None:
        self._relay = relay
        self._socket = connection
        self._waiting = b""
        self._together: bytes | None = None

    def step(self, line: str, rest: list[str]) -> None:
        kind, _, text = line.partition(" ")
        if kind == "S:":
            self._say(text.encode() + b"\r\n")
        elif kind == "C:":
            self._flush()
            self._hear(text)
        else:
            self._flush()
            name, _, argument = text.partition(" ")
            getattr(self, f"_{name}")(argument)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._flush()
        self._socket.close()

    def _say(self, words: bytes) -> None:
        if self._together is None:
            self._socket.sendall(words)
        else:
            self._together += words

    def _flush(self) -> None:
        words, self._together = self._together, None
        if words:
            self._socket.sendall(words)

    def _hear(self, pattern: str) -> None:
        if pattern == "(content)":
            self._relay.contents.append(self._until(b"\r\n.\r\n"))
            return
        line = self._line()
        while self._relay.pipelining and _is_ahead(line, pattern):
            self._say(b"503 5.5.1 Bad sequence of commands\r\n")
            line = self._line()
        if not fnmatch.fnmatchcase(line, pattern):
            self._relay.surprise = f"{line!r} instead of {pattern!r}"
            raise _Left

    def _line(self) -> str:
        line = self._until(b"\r\n")[:-2].decode("utf-8", "backslashreplace")
        self._relay.commands.append(line)
        return line

    def _until(self, end: bytes) -> bytes:
        while end not in self._waiting:
            self._more()
        found, end, self._waiting = self._waiting.partition(end)
        return found + end

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise _Left
        self._relay.received += data
        self._relay.reads.append(data)
        self._waiting += data

    def _close(self, _: str) -> None:
        raise _Left

    def _reset(self, _: str) -> None:
        linger = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise _Left

    def _silence(self, _: str) -> None:
        while True:
            self._more()

    def _deaf(self, _: str) -> None:
        """Reads nothing more, until the test is over."""
        while not self._relay._closing:
            time.sleep(0.01)

    def _tls(self, name: str) -> None:
        context = self._relay._contexts[name or "good"]
        self._socket = context.wrap_socket(self._socket, server_side=True)
        self._relay._open.append(self._socket)

    def _raw(self, text: str) -> None:
        self._say(text.encode().decode("unicode_escape").encode("latin-1"))

    def _drip(self, text: str) -> None:
        for byte in text.encode():
            self._socket.sendall(bytes([byte]))
            time.sleep(0.05)

    def _read(self, count: str) -> None:
        while len(self._waiting) < int(count):
            self._more()

    def _many(self, text: str) -> None:
        count, _, line = text.partition(" ")
        lines = line.encode() + b"\r\n"
        self._socket.sendall(lines * (int(count) // len(lines)))

    def _join(self, _: str) -> None:
        self._together = b""

    def _await(self, line: str) -> None:
        while f"\r\n{line}\r\n".encode() not in b"\r\n" + self._waiting:
            self._more()


def _is_ahead(line: str, pattern: str) -> bool:
    """A command that was sent before the answer which made it pointless."""
    return line.startswith(("RCPT", "DATA")) and not fnmatch.fnmatchcase(line, pattern)


def _offering(lines: list[str]) -> list[str]:
    """With PIPELINING in each answer to EHLO; what is no such answer is left alone."""
    found: list[str] = []
    for at, line in enumerate(lines):
        if at and lines[at - 1].startswith("C: EHLO") and line.startswith("S: 250"):
            found += [f"S: 250-{line[7:]}"]
            line = f"S: 250{line[6:7]}PIPELINING"
        found.append(line)
    return found


def dialog_of(name: str) -> str:
    """The text of a file in `dialogs/`, or the text itself if it has line breaks."""
    if "\n" in name:
        return name
    return (DIALOGS / name).read_text(encoding="utf-8")
