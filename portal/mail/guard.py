"""The two guards against header injection: on the caller's words, on the built bytes.

A value without CR or LF can still become a header line of its own once a mail
library has decoded it (CVE-2024-6923), so looking at the input is not enough:
the finished bytes are split again and must hold exactly the lines we meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from portal.errors import Invalid

LINE_OCTETS = 998  # RFC 5322 §2.1.1, without CRLF
WORD_OCTETS = 900  # one unbroken word after the longest name still fits a line
HEADERS = 50

_NAME = re.compile(r"[A-Za-z0-9-]{1,76}")
_RESERVED = re.compile(
    r"from|sender|reply-to|to|cc|bcc|subject|date|message-id|return-path"
    r"|auto-submitted|apparently-to|authentication-results|domainkey-signature"
    r"|dkim-.*|arc-.*|mime-.*|content-.*|received.*|resent-.*",
    re.IGNORECASE,
)
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FIELD_LINE = re.compile(rb"([!-9;-~]+):")


class UnsafeMail(ValueError):
    """Built bytes that are not the mail that was meant; nothing was sent."""


def check_words(field: str, value: str) -> None:
    """Raises Invalid for text that must not stand in a header field."""
    if value.isascii() and value.isprintable() and "=?" not in value:
        return
    found = _CONTROLS.search(value)
    if found:
        raise Invalid(
            field,
            f"This may not hold control characters or line breaks; "
            f"U+{ord(found[0]):04X} is at position {found.start() + 1}.",
        )
    if "=?" in value:
        # RFC 2047: whoever decodes it may find a line break inside.
        raise Invalid(field, "This may not hold “=?”, which begins an encoded word.")


def check_headers(headers: Mapping[str, str]) -> None:
    """The caller's own header fields. Raises Invalid, naming `headers.<name>`."""
    if len(headers) > HEADERS:
        raise Invalid("headers", f"A mail takes at most {HEADERS} headers of its own.")
    seen: set[str] = set()
    for name, value in headers.items():
        field = f"headers.{name}"
        if not _NAME.fullmatch(name):
            raise Invalid(
                "headers" if _CONTROLS.search(name) else field[:120],
                "A header's name is 1 to 76 letters, digits and hyphens.",
            )
        if _RESERVED.fullmatch(name):
            raise Invalid(field, f"{name} is set by the portal, not by the caller.")
        if name.lower() in seen:
            raise Invalid(field, f"{name} is there twice.")
        seen.add(name.lower())
        check_words(field, value)
        check_length(field, value)


def check_length(field: str, value: str) -> None:
    """Raises Invalid where folding at spaces cannot keep a line under 998 octets.
    What is beyond ASCII will be encoded, in words that are short."""
    if value.isascii():
        check_octets(field, value)


def check_octets(field: str, value: str) -> None:
    """The same for what goes into the header as it is, whatever its letters."""
    if len(value) <= WORD_OCTETS // 4:  # octets of the longest character
        return
    if any(len(word.encode()) > WORD_OCTETS for word in value.split(" ")):
        raise Invalid(
            field,
            f"This holds a word of more than {WORD_OCTETS} characters; a line of a "
            f"mail takes {LINE_OCTETS}.",
        )


def check_body_text(field: str, text: str) -> None:
    if "\0" in text or not _is_unicode(text):
        raise Invalid(field, "This may not hold NUL or half of a surrogate pair.")


def check_block(block: bytes, names: Iterable[str], *, utf8: bool) -> None:
    """The built header block holds exactly the fields named, each in order.

    `block` ends in CRLF and has no empty line. Raises UnsafeMail.
    """
    check_lines(block, utf8=utf8)
    if not block.endswith(b"\r\n"):
        raise UnsafeMail("The header block does not end in a line break.")
    found = sorted(field_names(block))
    wanted = sorted(name.lower() for name in names)
    if found != wanted:
        more, less = Counter(found), Counter(wanted)
        odd = sorted((more - less) | (less - more))
        raise UnsafeMail(f"The built header has other fields than meant: {odd}")


def check_body(body: bytes) -> None:
    """The built body is 7-bit lines of at most 998 octets. Raises UnsafeMail."""
    check_lines(body, utf8=False)


def field_names(block: bytes) -> list[str]:
    """The names in a header block, in lower case, read line by line as a relay does."""
    names: list[str] = []
    for line in block.split(b"\r\n")[:-1]:
        if line[:1] in (b" ", b"\t"):
            if not names or not line.strip():
                raise UnsafeMail("The header has a continuation of nothing.")
            continue
        field = _FIELD_LINE.match(line)
        if not field:
            raise UnsafeMail("The header has a line without a name.")
        names.append(field[1].decode("ascii").lower())
    return names


def fits_lines(data: bytes) -> bool:
    """Whether no line is longer than 998 octets; the last one has its CRLF, or none."""
    at, most = 0, LINE_OCTETS + 2
    while len(data) - at > LINE_OCTETS:
        # From the beginning of one line to the last line end that may be there.
        end = data.rfind(b"\r\n", at, at + most)
        if end < 0:
            return False
        at = end + 2
    return True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False  # half of a surrogate pair
    return True


def check_lines(data: bytes, *, utf8: bool) -> None:
    """Raises UnsafeMail for what a relay might read as more than one mail."""
    # Against smuggling: only CRLF, no NUL, no long line, 7 bit.
    breaks = data.count(b"\r\n")
    if data.count(b"\r") != breaks or data.count(b"\n") != breaks:
        raise UnsafeMail("A line ends in something other than CRLF.")
    if b"\0" in data:
        raise UnsafeMail("There is a NUL in it.")
    if not utf8 and not data.isascii():
        raise UnsafeMail("There is an octet above 127 in it.")
    if not fits_lines(data):
        raise UnsafeMail(f"A line is longer than {LINE_OCTETS} octets.")
