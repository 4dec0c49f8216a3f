"""Header fields as bytes: encoded, folded, and never parsed again.

Written by hand because the standard library's writer reads what it writes: it
decodes encoded words that a caller left in a value (header injection up to Python
3.12), and it encodes a long List-Unsubscribe, which then no program understands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.charset import Charset
from urllib.parse import quote

from portal.address import Named

FOLD_AT = 78  # RFC 5322 §2.1.1: lines should be no longer
_WORD_BYTES = 45  # of UTF-8: base64 and 12 octets around it stay under 75
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~ -]+")
_PLAIN_VALUE = re.compile(r"[ !#-\[\]-~]{1,60}")
_UTF8 = Charset("utf-8")


def field(name: str, value: str) -> bytes:
    """One field from text that is already safe for the wire, folded at its spaces."""
    value = value.rstrip(" ")
    if value and len(name) + len(value) + 2 <= FOLD_AT:
        return f"{name}: {value}\r\n".encode()
    lines = [f"{name}:"]
    for number, piece in enumerate(re.findall(r" *[^ ]+", " " + value)):
        if number and len(lines[-1]) + len(piece) > FOLD_AT:
            lines.append(piece)
        else:
            lines[-1] += piece
    return ("\r\n".join(lines) + "\r\n").encode()


def unstructured(name: str, value: str) -> bytes:
    """A field of free text, as Subject: encoded words where it is not plain ASCII."""
    value = value.strip(" ")
    short = len(value) <= 900 or all(len(word) <= 900 for word in value.split(" "))
    if short and value.isascii():
        return field(name, value)
    return field(name, encoded_words(value))


def mailboxes(name: str, named: Sequence[Named]) -> bytes:
    """A field of addresses. A local part beyond ASCII stands raw (RFC 6532 §3.2)."""
    return field(name, ", ".join(_mailbox(each) for each in named))


def encoded_words(text: str) -> str:
    """RFC 2047 §2: each word at most 75 characters, whole characters in each."""
    return " ".join(_UTF8.header_encode(chunk) for chunk in _chunks(text))


def parameter(name: str, value: str) -> str:
    """One parameter of a field, by RFC 2231 where it is long or not plain ASCII."""
    if _PLAIN_VALUE.fullmatch(value):
        return f'{name}="{value}"'
    pieces = re.findall(r"(?:%..|[^%]){1,20}", quote(value, safe=""))
    if len(pieces) == 1:
        return f"{name}*=utf-8''{pieces[0]}"
    pieces[0] = "utf-8''" + pieces[0]
    return "; ".join(f"{name}*{n}*={piece}" for n, piece in enumerate(pieces))


def _mailbox(named: Named) -> str:
    name = named.name.strip(" ")
    if not name:
        return str(named.mailbox)
    if not name.isascii():
        name = encoded_words(name)
    elif not _PLAIN_NAME.fullmatch(name) or "  " in name:
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{named.mailbox}>"


def _chunks(text: str) -> Iterable[str]:
    chunk, size = "", 0
    for character in text:
        octets = len(character.encode())
        if size + octets > _WORD_BYTES:
            yield chunk
            chunk, size = "", 0
        chunk += character
        size += octets
    yield chunk
