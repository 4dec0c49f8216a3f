"""Received mails as data, and what an admin expects to read of them.

`received/*.toml`: a line of `mail` that begins with @ stands for more: `@sign` for the
signature of all below it (s=, d=, a=, c=, i= as in one; `body=other`: of another body;
`more=yes`: with l=, and lines added behind), the others for what stands in `_LINES`.
`after` is what a copy went through, `trusting` a gateway that the reader chooses to
trust; `offered` are those to choose from. In `expect`, `rows` are label, status and what they
are about; `took` and `encryption` go from the first hop on, `-` where it is not told;
`notes`, `says` and `texts` are parts of sentences, `without` what no note says.
"""

from __future__ import annotations

import base64
import re
import textwrap
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkim
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from portal.crypto.signing import new_key, public_record
from tests.domains.conftest import MAIL, PATH, POLICY, zone
from tests.domains.mails import OTHER, PEM, RECORD

HERE = Path(__file__).parent / "received"
EDWARDS = new_key("ed25519")
ZONES = zone(MAIL, POLICY, PATH, OTHER, f'ed._domainkey TXT "{public_record(EDWARDS)}"')
ZONES["mtasv.net"] += f'\npm20._domainkey TXT "{RECORD[:200]}" "{RECORD[200:]}"'
_RELAY = """\
Received: from portal (unknown [192.0.2.9]) by out.mtasv.net with ESMTPSA id 0;
 Sat, 21 Nov 2026 16:00:02 +0000
"""
_HOP = """\
Received: from out.mtasv.net (out.mtasv.net [50.31.156.120])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)
\tby mx.office.example (Postfix) with ESMTPS id 1
\tfor <lee@office.example>; Sat, 21 Nov 2026 16:00:09 +0000 (UTC)
Authentication-Results: mx.office.example;
"""
_LINES = {
    "@relay": _RELAY,
    "@border": f"""\
{_HOP}\tdkim=pass header.d=shop.example header.s=tx7 header.b=AbCd1234;
\tspf=pass smtp.mailfrom=pm-bounces.shop.example; dmarc=pass header.from=shop.example
{_RELAY}""",
    "@unaligned": f"{_HOP}\tspf=pass smtp.mailfrom=mtasv.net\n{_RELAY}",
    "@own": """\
From: Kim <kim@shop.example>
To: lee@office.example
Subject: Your order
Message-ID: <7.abc@shop.example>

Thank you for your order. It leaves our house today, to be with you tomorrow noon.

Kim
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    name: str
    content: bytes
    trusting: str | None
    expect: dict[str, Any]


def received() -> list[Received]:
    return [_read(path) for path in sorted(HERE.glob("*.toml"))]


def _read(path: Path) -> Received:
    given = tomllib.loads(path.read_text("utf-8"))
    content = _signed(given["mail"])
    for name in given.get("after", ()):
        content = AFTER[name](content)
    return Received(
        name=path.stem,
        content=content,
        trusting=given.get("trusting"),
        expect=given["expect"],
    )


def _signed(text: str) -> bytes:
    """From the last line up: a signature covers what is below it."""
    for name, lines in _LINES.items():
        text = text.replace(f"{name}\n", lines)
    made = b""
    for line in reversed(text.splitlines()):
        if line.startswith("@sign"):
            made = _sign(dict(each.split("=", 1) for each in line.split()[1:]), made)
        else:
            made = line.encode() + b"\r\n" + made
    return made


def _sign(how: dict[str, str], below: bytes) -> bytes:
    algorithm = how.get("a", "rsa-sha256")
    form = how.get("c", "relaxed/simple").encode().split(b"/")
    covered = below
    if "body" in how:
        covered = below.replace(b"Thank you", b"We thank you")
    field = dkim.sign(
        covered,
        how.get("s", "tx7").encode(),
        how.get("d", "shop.example").encode(),
        _edwards() if algorithm.startswith("ed") else PEM.encode(),
        identity=how["i"].encode() if "i" in how else None,
        canonicalize=(form[0], form[1]),
        signature_algorithm=algorithm.encode(),
        length="more" in how,
    )
    return field + below + (b"-- \r\nfooter\r\n" if "more" in how else b"")


def _edwards() -> bytes:
    return base64.b64encode(
        load_pem_private_key(EDWARDS.encode(), None).private_bytes_raw()
    )


def _each(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(map(change, content.splitlines(keepends=True)))


def _wrapped(content: bytes) -> bytes:
    rows = (textwrap.wrap(row, 72) or [""] for row in content.decode().split("\n"))
    return "\n".join(line for row in rows for line in row).encode()


AFTER: dict[str, Callable[[bytes], bytes]] = {
    "lf": lambda content: content.replace(b"\r\n", b"\n"),
    "headers": lambda content: content.partition(b"\r\n\r\n")[0] + b"\r\n",
    "quoted": _each(lambda line: b"> " + line if line.strip() else b">" + line),
    "unindented": _each(lambda line: line.lstrip(b" \t")),
    "wrapped": _wrapped,
    "utf-16": lambda content: content.decode().encode("utf-16"),
    "hard blanks": lambda content: re.sub(
        rb"\r\n[ \t]+", "\r\n\xa0\xa0 ".encode(), content
    ),
    "cr": lambda content: content.replace(b"\r\n", b"\r"),
    "emlx": lambda content: (
        b"%-11d\n%b<plist><dict></dict></plist>\n" % (len(content), content)
    ),
    "long": lambda content: content + b"QUJD\r\n" * 200_000,
    "mbox": lambda content: (
        b"From kim@shop.example Sat Nov 21 16:00:10 2026\n" + content
    ),
}
