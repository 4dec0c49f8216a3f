"""A relay's words made harmless, before they reach a database, a log or a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portal.delivery.types import Reply

MAX_CHARACTERS = 1_000
MAX_LINES = 20
MASK = "***"

_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?=\s|$)")  # RFC 3463 §2
# C0 without the line feed, DEL, C1, line separators, and what turns text around.
_UNFIT = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def reply_of(code: int, raw: str | bytes, secrets: Sequence[str] = ()) -> Reply:
    """`raw` is the text without its codes; `secrets` must not be seen in it.

    aiosmtplib decodes with surrogateescape, which breaks the commit of "sent" in
    SQLite: the bytes are taken back and decoded so that nothing can fail later.
    """
    text = clean(raw, secrets)
    match = _ENHANCED.match(text)
    return Reply(code=code, text=text, enhanced=match[1] if match else None)


def clean(raw: str | bytes, secrets: Sequence[str] = ()) -> str:
    """At most 20 lines and 1,000 characters, none of which acts."""
    if isinstance(raw, str):
        if _is_plain(raw) and not (secrets and any(each in raw for each in secrets)):
            return raw.rstrip(" ")
        raw = raw.encode("utf-8", "surrogateescape")
    text = raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _UNFIT.sub(lambda match: " " if match[0] == "\t" else "\ufffd", text)
    lines = [line.rstrip() for line in text.split("\n")]
    text = "\n".join(lines[:MAX_LINES])
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def _is_plain(text: str) -> bool:
    """One short line in ASCII, as nearly all are."""
    return len(text) <= MAX_CHARACTERS and text.isascii() and text.isprintable()


def first_line(reply: Reply) -> str:
    return str(reply).split("\n")[0]


def is_reply(code: int) -> bool:
    """RFC 5321 §4.2: replies begin with 2 to 5; three digits we know by then."""
    return 200 <= code <= 599
