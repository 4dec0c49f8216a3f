"""A DKIM signature over the bytes that go to the relay (RFC 6376, RFC 8463).

Relaxed for header and body, so that a relay may fold and re-space what it passes on.
The body is signed whole: no `l=`, behind which anybody could add.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime

from portal.crypto import signing as keys
from portal.mail.fields import field
from portal.mail.types import Signing

# RFC 6376 §5.4.1, and what RFC 8058 §4 asks for one-click unsubscription.
SIGNED = (
    "from",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
)
_ROW = 72
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACES = re.compile(rb"[ \t]+")
_UNEVEN = re.compile(rb"[ \t]{2,}|\t")  # one space stays as it is


def sign(headers_and_body: bytes, signing: Signing, *, now: datetime) -> bytes:
    """The DKIM-Signature field to put in front of these bytes.

    They are those of DATA before dots are stuffed. Raises BadPrivateKey.
    """
    header, _, body = headers_and_body.partition(b"\r\n\r\n")
    fields = dict(_relaxed_fields(header))
    names = [name for name in SIGNED if name in fields]
    pem = signing.key.reveal()
    algorithm = keys.algorithm_of(pem)
    body_hash = hashlib.sha256(relaxed_body(body)).digest()
    # From a second time (RFC 6376 §8.15): none can be put beside the one signed.
    value = (
        f"v=1; a={algorithm}-sha256; c=relaxed/relaxed; d={signing.domain};"
        f" s={signing.selector}; t={int(now.timestamp())};"
        f" h={_in_rows('from', *names)}; bh={_b64(body_hash)}; b="
    )
    covered = b"".join([fields[name] + b"\r\n" for name in names])
    covered += b"dkim-signature:" + value.encode()  # relaxed: how it folds is no matter
    if algorithm == keys.RSA:
        made = keys.sign_rsa_sha256(pem, covered)
    else:
        made = keys.sign_ed25519(pem, hashlib.sha256(covered).digest())
    # RFC 6376 §3.5: spaces inside the base64 of `b=` do not count.
    rows = re.findall(f".{{1,{_ROW}}}", _b64(made))
    return field("DKIM-Signature", value + " ".join(rows))


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4."""
    body = _UNEVEN.sub(b" ", body).replace(b" \r\n", b"\r\n")
    body = body.removesuffix(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _relaxed_fields(header: bytes) -> Iterator[tuple[str, bytes]]:
    """RFC 6376 §3.4.2, for a header that holds every name once, as ours do."""
    for line in _FOLD.sub(b"", header).split(b"\r\n"):
        name, _, value = line.partition(b":")
        name, value = name.lower(), _SPACES.sub(b" ", value).strip(b" ")
        yield name.decode(), name + b":" + value


def _in_rows(*names: str) -> str:
    """Names between colons, with a space where the field may be folded."""
    rows = [""]
    for name in names:
        if len(rows[-1]) + len(name) >= _ROW:
            rows.append("")
        rows[-1] += f"{name}:"
    return " ".join(rows).removesuffix(":")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
