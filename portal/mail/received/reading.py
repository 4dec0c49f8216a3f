"""A mail as somebody received it, pasted or uploaded: its fields and its body.

All of it is hostile input. Whatever ends its lines, they end in CRLF here, as they
did on the wire (RFC 5322 §2.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header

from portal.address import BadAddress, parse_mailbox
from portal.mail.received.comments import parted
from portal.mail.received.paste import lines_of

MOST_OCTETS = 1024 * 1024  # that are read; of a longer mail the header alone counts
MOST_FIELDS = 500
LONGEST_FIELD = 16 * 1024  # octets of one field that are read
OUTLOOK_FILE = bytes.fromhex("d0cf11e0a1b11ae1")  # a compound file, not a mail
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
# Where lines were broken, a narrower one, and what goes on in a list of names (h=).
_LIKELY = re.compile(rb"([A-Za-z][\w-]{1,100})[ \t]*:(?!:)")
_LISTED = re.compile(rb"[\w-]+(?::[\w-]+)*[:;]?[ \t]*$")
# Of the source of a mail, and not of what a page shows above it.
_TRACE = re.compile(
    rb"(?:Delivered-To|Received|Return-Path|X-Received|X-Apparently-To|X-Original-To"
    rb"|Envelope-To|ARC-Seal|Authentication-Results|Received-SPF|DKIM-Signature"
    rb"|Message-ID|MIME-Version|Content-Type)[ \t]*:",
    re.IGNORECASE,
)
_BEGINS = re.compile(rb"(?:X-[\w-]{1,60}|From)[ \t]*:", re.IGNORECASE)
_FROM = re.compile(rb"From[ \t]*:", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,318}>")
_BRACKETED = re.compile(r"<([^<>]{0,320})>\s*$")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SPACES = re.compile(r"[ \t\r\n]+")
_HARD = re.compile(rb"(?:[ \t]|\xc2\xa0)+")  # blanks as a page indents
_HELD = re.compile(rb"^content-type:\s*message/rfc822", re.IGNORECASE | re.MULTILINE)


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
    header was given, or `is_long`. `is_broken`: a copy lost how its lines were
    folded."""

    fields: tuple[Field, ...]
    body: bytes | None = field(repr=False)
    is_broken: bool = False
    is_long: bool = False

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(each.text for each in self.fields if each.name == name)

    @property
    def from_address(self) -> str | None:
        """The one mailbox of From; None where there is none, or several: receivers
        judge no such mail (RFC 9989 §5.3.1)."""
        given = self.texts("from")
        return _author(given[0]) if len(given) == 1 else None

    @property
    def message_id(self) -> str | None:
        """With its brackets."""
        found = (_MESSAGE_ID.search(text) for text in self.texts("message-id"))
        return next((each[0] for each in found if each), None)

    @property
    def holds_another(self) -> bool:
        """As an attachment, as somebody forwards it to have it looked at."""
        return bool(self.body and _HELD.search(self.body))

    @property
    def subject(self) -> str:
        given = next(iter(self.texts("subject")), "")[:500]
        try:
            return str(make_header(decode_header(given)))
        except (ValueError, LookupError):
            return given


def read(content: bytes) -> ReceivedMail:
    """Never raises; without any field it is no mail."""
    lines = lines_of(content[:MOST_OCTETS])
    is_long = len(content) > MOST_OCTETS
    start = _start(lines)
    end = _end(lines, start)
    body = b"\r\n".join(lines[end + 1 :])
    rows, is_broken = _rows([_folded(line) for line in lines[start:end]])
    return ReceivedMail(
        fields=tuple(
            Field(name=name.decode("ascii").lower(), raw=b"\r\n".join(raw))
            for name, raw in rows
        ),
        body=body if body.strip() and not is_long else None,
        is_broken=is_broken,
        is_long=is_long,
    )


def _folded(line: bytes) -> bytes:
    """A fold that was copied out of a page has blanks that do not break."""
    hard = _HARD.match(line)
    return b" " + line[hard.end() :] if hard and b"\xa0" in hard[0] else line


def _start(lines: list[bytes]) -> int:
    """Empty lines and the first one of an mbox are passed over; of a page that was
    copied whole, what stands above the source."""
    first = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    if first < len(lines) and lines[first].startswith((b"From ", b">From ")):
        first += 1
    is_field = first < len(lines) and _NAME.match(lines[first]) is not None
    if is_field and any(map(_TRACE.match, lines[first : _end(lines, first)])):
        return first
    if not is_field:
        return _first(lines, first, _TRACE) or _first(lines, first, _BEGINS) or first
    # What begins with a field is left for a whole header only.
    at = _first(lines, first, _TRACE)
    is_whole = at and any(map(_FROM.match, lines[at : _end(lines, at)]))
    return at if at and is_whole else first


def _first(lines: list[bytes], start: int, begins: re.Pattern[bytes]) -> int | None:
    found = (at for at in range(start, len(lines)) if begins.match(lines[at]))
    return next(found, None)


def _end(lines: list[bytes], start: int) -> int:
    """The empty line after a header."""
    return next(
        (at for at in range(start, len(lines)) if not lines[at].strip()), len(lines)
    )


_Rows = list[tuple[bytes, list[bytes]]]


def _rows(lines: list[bytes]) -> tuple[_Rows, bool]:
    """The fields, and whether lines were broken that had been one."""
    found: _Rows = []
    for line in lines:
        name = _NAME.match(line)
        if name and len(found) >= MOST_FIELDS:
            break
        if name:
            found.append((name[1], [line]))
        elif found and line[:1] in (b" ", b"\t"):
            found[-1][1].append(line)
        elif found and not line.startswith((b"From ", b">From ")):
            return _mended(lines), True
    return found, False


def _mended(lines: list[bytes]) -> _Rows:
    """A line that does not begin a field goes on with the one above it."""
    found: _Rows = []
    for line in lines:
        name = _LIKELY.match(line)
        if found and (name is None or _goes_on(found[-1], line)):
            fold = b"" if line[:1] in (b" ", b"\t") else b" "
            found[-1][1].append(fold + line)
        elif name and len(found) >= MOST_FIELDS:
            break
        elif name:
            found.append((name[1], [line]))
    return found


def _goes_on(row: tuple[bytes, list[bytes]], line: bytes) -> bool:
    """With the names of what a signature covers."""
    is_signature = row[0].lower().endswith((b"-signature", b"-seal"))
    return is_signature and row[1][-1].endswith(b":") and bool(_LISTED.match(line))


def _author(text: str) -> str | None:
    """Of From. Names in quotes and comments may hold whatever looks like more."""
    words = _QUOTED.sub('""', parted(text).words)
    before, bracket, rest = words.partition("<")
    if "<" in rest or "," in rest or (bracket and "," in before and "@" in before):
        return None
    return _mailbox(parted(text).words) or _mailbox(text)


def _mailbox(text: str) -> str | None:
    inside = _BRACKETED.search(text)
    try:
        return str(parse_mailbox((inside[1] if inside else text).strip()))
    except BadAddress:
        return None
