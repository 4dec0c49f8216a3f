"""A mail as somebody received it, pasted or uploaded: its fields and its body.

All of it is hostile input. Whatever ends its lines, they end in CRLF here, as they
did on the wire (RFC 5322 §2.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header

from portal.address import BadAddress, parse_mailbox

MOST_FIELDS = 500
LONGEST_FIELD = 16 * 1024  # octets of one field that are read
OUTLOOK_FILE = bytes.fromhex("d0cf11e0a1b11ae1")  # a compound file, not a mail
_ENDS = re.compile(rb"\r\n|\r|\n")
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
# What the source of a received mail begins with, below what a page shows of it.
_BEGINS = re.compile(
    rb"(?:Delivered-To|Received|Return-Path|X-[\w-]{1,60}|ARC-Seal"
    rb"|Authentication-Results|DKIM-Signature|From)[ \t]*:",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,318}>")
_BRACKETED = re.compile(r"<([^<>]{0,320})>\s*$")
_SPACES = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`name` in small letters; `raw` as it stands there, with its folds and without
    the last line's end."""

    name: str
    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The value on one line."""
        _, _, value = self.raw[:LONGEST_FIELD].partition(b":")
        return _SPACES.sub(" ", value.decode("utf-8", "replace")).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """`fields` from the top, the newest trace first; `body` is None where only the
    header was given."""

    fields: tuple[Field, ...]
    body: bytes | None = field(repr=False)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(each.text for each in self.fields if each.name == name)

    @property
    def from_address(self) -> str | None:
        """The one mailbox of From; None where there is none, or several: receivers
        judge no such mail (RFC 9989 §5.3.1)."""
        given = self.texts("from")
        return _mailbox(given[0]) if len(given) == 1 else None

    @property
    def return_path(self) -> str | None:
        """The reverse-path, as whoever delivered it wrote it down."""
        return next(map(_mailbox, self.texts("return-path")), None)

    @property
    def message_id(self) -> str | None:
        """With its brackets."""
        found = (_MESSAGE_ID.search(text) for text in self.texts("message-id"))
        return next((each[0] for each in found if each), None)

    @property
    def subject(self) -> str:
        given = next(iter(self.texts("subject")), "")[:500]
        try:
            return str(make_header(decode_header(given)))
        except (ValueError, LookupError):
            return given


def read(content: bytes) -> ReceivedMail:
    """Never raises; without any field it is no mail."""
    lines = _ENDS.split(content.removeprefix(b"\xef\xbb\xbf"))
    start = _start(lines)
    end = next(
        (at for at in range(start, len(lines)) if not lines[at].strip()), len(lines)
    )
    body = b"\r\n".join(lines[end + 1 :])
    return ReceivedMail(
        fields=_fields(lines[start:end]), body=body if body.strip() else None
    )


def _start(lines: list[bytes]) -> int:
    """Empty lines and the first one of an mbox are passed over; of a page that was
    copied whole, what stands above the source."""
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if first < len(lines) and lines[first].startswith((b"From ", b">From ")):
        first += 1
    if first < len(lines) and _NAME.match(lines[first]):
        return first
    found = (at for at in range(first, len(lines)) if _BEGINS.match(lines[at]))
    return next(found, first)


def _fields(lines: list[bytes]) -> tuple[Field, ...]:
    """A line that is neither a field nor the rest of one is passed over."""
    found: list[tuple[bytes, list[bytes]]] = []
    for line in lines:
        name = _NAME.match(line)
        if name and len(found) >= MOST_FIELDS:
            break
        if name:
            found.append((name[1], [line]))
        elif found and line[:1] in (b" ", b"\t"):
            found[-1][1].append(line)
    return tuple(
        Field(name=name.decode("ascii").lower(), raw=b"\r\n".join(rows))
        for name, rows in found
    )


def _mailbox(text: str) -> str | None:
    inside = _BRACKETED.search(text)
    try:
        return str(parse_mailbox((inside[1] if inside else text).strip()))
    except BadAddress:
        return None
