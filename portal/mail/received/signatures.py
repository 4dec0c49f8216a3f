"""DKIM signatures of a received mail: what each covers, ready to be verified.

Canonical forms and the choice of fields are those of RFC 6376 §3.4, §3.5 and §5.4.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from portal.address import BadAddress, parse_domain
from portal.mail.dkim import relaxed_body
from portal.mail.received.reading import Field, ReceivedMail
from portal.tags import BadTags, tags

MOST_SIGNATURES = 10
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")
_MOST_SIGNED = 200  # names in h=
_SPACES = re.compile(rb"[ \t\r\n]+")
_BLANKS = re.compile(r"\s+")
_OWN_VALUE = re.compile(rb"([;:]\s*b\s*=)[^;]*")
_SELECTOR = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`covered` is what was signed, `value` the signature of it. `body_matches` is
    None where there is no body to compare. `fault` is what a verifier stops at before
    it asks for the key: `syntax`, `version`, `algorithm`, `sha1`, `from_unsigned`,
    `identity`, `expired`. `is_partial`: the end of the body is not covered (l=)."""

    domain: str
    selector: str
    algorithm: str = ""
    covered: bytes = field(default=b"", repr=False)
    value: bytes = field(default=b"", repr=False)
    body_matches: bool | None = None
    fault: str | None = None
    is_partial: bool = False


class _Bad(ValueError):
    """A signature that no verifier reads; `str()` is the fault."""


def signatures(mail: ReceivedMail, *, now: datetime) -> tuple[Signature, ...]:
    """From the top. `now` is when the receiver looked at them."""
    own = [each for each in mail.fields if each.name == "dkim-signature"]
    return tuple(_signature(mail, each, now) for each in own[:MOST_SIGNATURES])


def _signature(mail: ReceivedMail, own: Field, now: datetime) -> Signature:
    try:
        found = tags(own.raw.partition(b":")[2].decode("utf-8", "replace"))
        domain = parse_domain(found.get("d", "").rstrip("."))
    except (BadTags, BadAddress):
        return Signature(domain="", selector="", fault="syntax")
    selector = found.get("s", "")
    if not _SELECTOR.fullmatch(selector):
        return Signature(domain=domain, selector="", fault="syntax")
    try:
        return _read(mail, own, found, domain, now)
    except _Bad as fault:
        return Signature(
            domain=domain,
            selector=selector,
            algorithm=found.get("a", "")[:40],
            fault=str(fault),
        )


def _read(
    mail: ReceivedMail, own: Field, tags: Mapping[str, str], domain: str, now: datetime
) -> Signature:
    algorithm = _algorithm(tags)
    names = [_BLANKS.sub("", each).lower() for each in tags.get("h", "").split(":")]
    if "from" not in names:
        raise _Bad("from_unsigned")  # RFC 6376 §3.5
    identity = tags.get("i", "@" + domain).rpartition("@")[2].rstrip(".").lower()
    if not f".{identity}".endswith(f".{domain}"):
        raise _Bad("identity")  # RFC 6376 §6.1.1
    header, _, body = tags.get("c", "simple/simple").lower().partition("/")
    if {header, body or "simple"} - {"simple", "relaxed"}:
        raise _Bad("syntax")
    expires = _instant(tags.get("x"))
    if expires is not None and expires < now:
        raise _Bad("expired")
    relaxed = header == "relaxed"
    return Signature(
        domain=domain,
        selector=tags["s"],
        algorithm=algorithm,
        covered=_covered(mail, own, names[:_MOST_SIGNED], relaxed=relaxed),
        value=_octets(tags.get("b", "")),
        body_matches=_matches(mail.body, tags, relaxed=body == "relaxed"),
        is_partial="l" in tags,
    )


def _algorithm(tags: Mapping[str, str]) -> str:
    if tags.get("v") != "1":
        raise _Bad("version")
    algorithm = tags.get("a", "").lower()
    if algorithm == "rsa-sha1":
        raise _Bad("sha1")  # RFC 8301 §3.1: never verified
    if algorithm not in ALGORITHMS:
        raise _Bad("algorithm")
    return algorithm


def _covered(
    mail: ReceivedMail, own: Field, names: list[str], *, relaxed: bool
) -> bytes:
    """Of two fields of one name the lower is taken first (RFC 6376 §5.4.2)."""
    left: dict[str, list[Field]] = defaultdict(list)
    for each in mail.fields:
        left[each.name].append(each)
    made = [
        _canonical(left[name].pop().raw, relaxed=relaxed) + b"\r\n"
        for name in names
        if left.get(name)
    ]
    head, colon, value = own.raw.partition(b":")
    unsigned = _OWN_VALUE.sub(rb"\1", colon + value, count=1)
    return b"".join([*made, _canonical(head + unsigned, relaxed=relaxed)])


def _canonical(raw: bytes, *, relaxed: bool) -> bytes:
    if not relaxed:
        return raw
    name, _, value = raw.partition(b":")
    return name.strip(b" \t").lower() + b":" + _SPACES.sub(b" ", value).strip(b" ")


def _matches(
    body: bytes | None, tags: Mapping[str, str], *, relaxed: bool
) -> bool | None:
    if body is None:
        return True if _matches(b"", tags, relaxed=relaxed) else None
    made = relaxed_body(body) if relaxed else body.rstrip(b"\r\n") + b"\r\n"
    length = tags.get("l")
    if length is not None:
        if not re.fullmatch(r"[0-9]{1,76}", length) or int(length) > len(made):
            return False
        made = made[: int(length)]
    return hashlib.sha256(made).digest() == _octets(tags.get("bh", ""))


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(_BLANKS.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        raise _Bad("syntax") from None


def _instant(text: str | None) -> datetime | None:
    if text is None or not re.fullmatch(r"[0-9]{1,11}", text):
        return None
    return datetime.fromtimestamp(int(text), UTC)
