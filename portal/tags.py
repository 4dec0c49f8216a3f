"""Lists of tags: `v=DKIM1; k=rsa; p=…` (RFC 6376 §3.2), of keys and signatures, and
those of BIMI, MTA-STS and reports about TLS."""

from __future__ import annotations

import re

# What zone files, panels and word processors bring along, and no record holds.
STRAY = re.compile('["\\\\“”„\u00a0\u200b\ufeff]')
_TAG = re.compile(r"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=(.*)", re.DOTALL)


class BadTags(ValueError):
    """A list that cannot be read; `str()` is the piece at which it ends."""


def tags(text: str) -> dict[str, str]:
    """In their order; names keep their case, values lose blanks at their ends.
    Raises BadTags for what is no tag and for a tag that is there twice."""
    found: dict[str, str] = {}
    for piece in text.split(";"):
        if not piece.strip():
            continue
        tag = _TAG.fullmatch(piece)
        if tag is None or tag[1] in found:
            raise BadTags(piece.strip()[:100])
        found[tag[1]] = tag[2].strip(" \t\r\n")
    return found
