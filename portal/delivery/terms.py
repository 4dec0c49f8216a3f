"""What a mail needs of a relay: the parameters of MAIL, or why it cannot be taken."""

from __future__ import annotations

import re

from portal.delivery.content import unfit
from portal.delivery.extensions import Extensions
from portal.mail.types import Envelope

# What could end a path and begin a parameter or a command (RFC 5321 §4.1.2).
_ENDS_A_PATH = re.compile("[\x00-\x1f\x7f<>]")


def lacking(
    offered: Extensions, content: bytes, size_bytes: int, envelope: Envelope
) -> str | None:
    """Why this mail is not begun (RFC 1870, RFC 6152, RFC 6531), in a sentence."""
    for path in _paths(envelope):
        if _ENDS_A_PATH.search(path):
            return "An address may not hold control characters or angle brackets."
    limit = offered.max_bytes
    if limit is not None and size_bytes > limit:
        return (
            f"The relay takes messages of up to {limit:,} bytes; this one has"
            f" {size_bytes:,}."
        )
    beyond = beyond_ascii(content, envelope)
    if beyond is not None and "SMTPUTF8" not in offered:
        return f"{beyond} is not ASCII and the relay offers no SMTPUTF8."
    if not content.isascii() and "8BITMIME" not in offered:
        return "The message holds 8-bit bytes and the relay offers no 8BITMIME."
    return unfit(content)


def parameters(
    offered: Extensions, content: bytes, size_bytes: int, envelope: Envelope
) -> bytes:
    """What follows the reverse-path of MAIL, each with its space in front."""
    said = b""
    if "SIZE" in offered:
        said += b" SIZE=%d" % size_bytes
    if not content.isascii():
        said += b" BODY=8BITMIME"
    if beyond_ascii(content, envelope) is not None:
        said += b" SMTPUTF8"
    return said


def beyond_ascii(content: bytes, envelope: Envelope) -> str | None:
    """What asks for SMTPUTF8, as the subject of a sentence. It may stand only in the
    header: that recipient may have been settled before (RFC 6531 §3.6)."""
    for path in _paths(envelope):
        if not path.isascii():
            return f"The address {path}"
    if not content.isascii():
        header = content[: content.find(b"\r\n\r\n")]
        if not header.isascii():
            return "An address in the header"
    return None


def _paths(envelope: Envelope) -> tuple[str, ...]:
    return (envelope.reverse_path or "", *envelope.recipients)
