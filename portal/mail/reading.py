"""A built or received mail, taken apart to be shown; all of it is hostile input."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CID = re.compile(r"""(?P<before>["'(])cid:(?P<id>[^"'()\s<>]{1,200})""", re.I)
_WITHOUT_NAME = "without a name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An attachment, for show: its name, type and size."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """`headers` are as written, unfolded but not decoded; `source` is the whole."""

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None = field(repr=False)
    attachments: tuple[Part, ...]
    source: str = field(repr=False)
    size_bytes: int

    def header(self, name: str) -> str:
        """The first one of this name, decoded (RFC 2047); empty if there is none."""
        found = next((v for n, v in self.headers if n.lower() == name.lower()), "")
        return _decoded(found)


def read(content: bytes) -> Read:
    mail = message_from_bytes(content, policy=policy.default)
    if not isinstance(mail, EmailMessage):
        raise TypeError("The default policy makes an EmailMessage.")
    html = _body(mail, "html")
    return Read(
        headers=_headers(content),
        text=_body(mail, "plain"),
        html=_with_images(html, mail) if html else html,
        attachments=tuple(_part(part) for part in mail.iter_attachments()),
        source=shown(content.decode("utf-8", "backslashreplace")),
        size_bytes=len(content),
    )


def shown(text: str) -> str:
    """PostgreSQL takes neither NUL nor half a surrogate pair, nor does a page."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean.replace("\0", "\ufffd")


def _headers(content: bytes) -> tuple[tuple[str, str], ...]:
    """Split by hand: the library decodes and refolds, and may fail on nonsense."""
    block = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    unfolded = _FOLD.sub("", shown(block.decode("utf-8", "backslashreplace")))
    pairs = (line.partition(":") for line in unfolded.splitlines())
    return tuple((name, value.strip()) for name, colon, value in pairs if colon)


def _decoded(value: str) -> str:
    header = policy.default.header_factory("Subject", value)
    return shown(str(header))


def _body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body(preferencelist=(kind,))
    return None if part is None else _text(part)


def _text(part: MIMEPart) -> str:
    try:
        return shown(str(part.get_content()))
    except (LookupError, ValueError):  # an unknown charset or transfer encoding
        return shown(_bytes(part).decode("utf-8", "replace"))


def _part(part: MIMEPart) -> Part:
    return Part(
        name=shown(part.get_filename() or _WITHOUT_NAME),
        kind=part.get_content_type(),
        size_bytes=len(_bytes(part)),
    )


def _with_images(html: str, mail: EmailMessage) -> str:
    """`cid:` pictures as data, so that the frame needs to fetch nothing."""
    images = {
        (part["Content-ID"] or "").strip(" <>"): part
        for part in mail.walk()
        if part.get_content_type() in IMAGES and part["Content-ID"]
    }

    def inline(found: re.Match[str]) -> str:
        part = images.get(found["id"])
        if part is None:
            return found[0]
        data = base64.b64encode(_bytes(part)).decode("ascii")
        return f"{found['before']}data:{part.get_content_type()};base64,{data}"

    return _CID.sub(inline, html)


def _bytes(part: MIMEPart) -> bytes:
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""
