"""The policy that somebody meant: out of a record that does not count, or that counts
with faults; every tag that can stay does."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from portal.address import BadAddress, parse_mailbox
from portal.deliverability.dmarc.record import GONE, KNOWN, POLICIES, Dmarc, read
from portal.tags import STRAY

_VERSION = re.compile(
    r"(\bv\s{0,5}=\s{0,5}|^\s{0,5})DMARC[ .]?[0-9]{0,2}\.?(?![A-Z@-])", re.IGNORECASE
)
_TAGS = "|".join((*KNOWN, *GONE, "fo", "rua", "ruf"))
# Where the semicolon before a tag was lost, or is a comma.
_LOST = re.compile(
    rf"([\s,;]{{1,20}}|(?<=none)|(?<=quarantine)|(?<=reject))(?=({_TAGS})\s{{0,5}}=)",
    re.IGNORECASE,
)


def restored(text: str) -> Dmarc:
    rest = _VERSION.sub("", STRAY.sub("", text), count=1)
    return read(f"v=DMARC1;{_LOST.sub(';', f' {rest}')}")


def reports_to(domain: str) -> str:
    return f"mailto:dmarc@{domain}"


def written(record: Dmarc, domain: str, *, without: Iterable[str] = ()) -> str:
    """As one text, with an address for reports that works: at `domain`, where the
    record stands, if it has none."""
    kept = {n: v for n, v in record.values.items() if n not in {"p", *without}}
    rua = [each for part in record.rua if (each := _mailto(part))]
    kept["rua"] = ",".join(dict.fromkeys(rua)) or reports_to(domain)
    # A policy that nobody can read was none so far, and may stay so.
    tags = {"p": record.values.get("p", "none")} | dict.fromkeys(record.unsound, "none")
    tags |= kept
    return "; ".join(["v=DMARC1", *(f"{name}={each}" for name, each in tags.items())])


def merged(texts: tuple[str, ...], domain: str) -> str:
    """One in place of several that cancel each other: the mildest, as nothing was in
    force so far, with everybody who wants reports."""
    records = [read(text) for text in texts]
    mildest = min(records, key=lambda each: POLICIES.index(each.policy))
    rua = tuple(each for record in records for each in record.rua)
    return written(dataclasses.replace(mildest, rua=rua), domain)


def _mailto(address: str) -> str | None:
    """RFC 9990 §2 wants URIs; a bare address is what most people mean."""
    scheme, colon, rest = address.rpartition(":")
    mailbox = rest.lstrip("/").partition("?")[0].partition("!")[0]
    if scheme.lower() not in ("", "mailto"):
        return None
    try:
        parse_mailbox(mailbox)
    except BadAddress:
        return None
    return address if colon and not rest.startswith("/") else f"mailto:{mailbox}"
