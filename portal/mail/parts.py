"""The MIME tree of a mail, as 7-bit bytes: text, alternative, inline, attached.

RFC 2045 and 2046, only the shapes we send: mixed[alternative[plain,
related[html, inline…]], attached…], with every level left out that has one child.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from portal.mail import fields
from portal.mail.types import Attachment

_PLAIN = bytes((9, 10, 13, *range(32, 127)))  # tab, line ends, what is printed
_PLAIN_LINE = 78  # RFC 5322 §2.1.1: a line should be no longer
_BASE64_LINE = 76  # RFC 2045 §6.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A body part: its Content- fields in order, and its octets."""

    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def block(self) -> bytes:
        return b"".join(fields.field(name, value) for name, value in self.headers)


def tree(
    *, text: str, html: str | None, attachments: Sequence[Attachment], boundary: str
) -> Part:
    """The whole body; `boundary` must not occur in it: give something random."""
    has_html = html is not None
    inline = [each for each in attachments if has_html and each.content_id]
    attached = [each for each in attachments if not (has_html and each.content_id)]
    part = text_part("plain", text)
    if html is not None:
        shown = text_part("html", html)
        if inline:
            files = [_file(each, "inline") for each in inline]
            shown = _multipart(
                "related", [shown, *files], f"{boundary}r", '; type="text/html"'
            )
        part = _multipart("alternative", [part, shown], f"{boundary}a")
    if attached:
        files = [_file(each, "attachment") for each in attached]
        part = _multipart("mixed", [part, *files], f"{boundary}m")
    return part


def text_part(subtype: str, text: str) -> Part:
    """Text in the shortest encoding that survives any relay."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    lines = text.split("\n")
    data = "\r\n".join(lines).encode()
    charset, encoding, body = _encoded(data, max(map(len, lines)))
    return Part(
        headers=(
            ("Content-Type", f"text/{subtype}; charset={charset}"),
            ("Content-Transfer-Encoding", encoding),
        ),
        body=body,
    )


def _encoded(data: bytes, longest: int) -> tuple[str, str, bytes]:
    """`longest` is the length of its longest line."""
    is_plain = data.isascii() and not data.translate(None, _PLAIN)
    if is_plain and longest <= _PLAIN_LINE:
        return "us-ascii", "7bit", data
    quoted = binascii.b2a_qp(data, istext=True)
    if len(quoted) <= len(data) * 4 // 3 + 80:
        return "utf-8", "quoted-printable", quoted
    return "utf-8", "base64", _base64(data)


def _file(attachment: Attachment, disposition: str) -> Part:
    name = fields.parameter("filename", attachment.filename)
    headers = [
        ("Content-Type", attachment.content_type),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"{disposition}; {name}"),
    ]
    if attachment.content_id:
        headers.append(("Content-ID", f"<{attachment.content_id}>"))
    return Part(headers=tuple(headers), body=_base64(attachment.content))


def _base64(data: bytes) -> bytes:
    whole = binascii.b2a_base64(data, newline=False)
    starts = range(0, len(whole), _BASE64_LINE)
    return b"".join([whole[at : at + _BASE64_LINE] + b"\r\n" for at in starts])


def _multipart(
    subtype: str, parts: Sequence[Part], boundary: str, more: str = ""
) -> Part:
    mark = b"--" + boundary.encode()
    pieces = [b"%s\r\n%s\r\n%s\r\n" % (mark, p.block, p.body) for p in parts]
    return Part(
        headers=(
            ("Content-Type", f'multipart/{subtype}{more}; boundary="{boundary}"'),
        ),
        body=b"".join(pieces) + mark + b"--\r\n",
    )
