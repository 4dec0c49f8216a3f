"""The bytes after DATA: fit to be sent, and cut so that the dot comes last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 64 * 1024
END = b".\r\n"


@dataclass(frozen=True, slots=True)
class Blocks:
    """Dot-stuffed content. `last` holds the end and the final dot, 64 KB at most
    beside it; nothing in front of it can end the mail."""

    size_bytes: int  # as RFC 1870 §3 counts: CRLF pairs, without the stuffing
    _stuffed: bytes

    @property
    def _cut(self) -> int:
        return (len(self._stuffed) - 1) // BLOCK * BLOCK

    def first(self) -> Iterator[bytes]:
        for start in range(0, self._cut, BLOCK):
            yield self._stuffed[start : start + BLOCK]

    @property
    def last(self) -> bytes:
        return self._stuffed[self._cut :] + END


def blocks_of(content: bytes) -> Blocks:
    """RFC 5321 §4.5.2: a dot is put before each line that begins with one."""
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return Blocks(len(content), stuffed)


def unfit(content: bytes) -> str | None:
    """Why these bytes are never sent: a lone CR or LF smuggles a second mail into
    servers that take it for a line end (CVE-2023-51764 and its family)."""
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs or content.count(b"\n") != pairs:
        return "The message holds a line break that is not CRLF."
    if b"\0" in content:
        return "The message holds a NUL."
    return None
