"""Where a policy wants its reports: addresses that work, vendors that agreed."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import unquote

from portal.address import BadAddress, parse_mailbox
from portal.deliverability.asking import Asking
from portal.deliverability.dmarc import older
from portal.deliverability.dmarc.record import Dmarc, is_dmarc
from portal.deliverability.types import Status

MOST_ADDRESSES = 5
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:")


async def reports(asking: Asking, record: Dmarc, domain: str) -> dict[str, Status]:
    """`domain` is where the record stands."""
    if not record.rua:
        return {"dmarc_no_rua": Status.WARN}
    found = await asyncio.gather(
        *(_one(asking, each, domain) for each in record.rua[:MOST_ADDRESSES])
    )
    return {reason: Status.WARN for reason in found if reason is not None}


async def _one(asking: Asking, address: str, domain: str) -> str | None:
    scheme, _, rest = address.partition(":")
    if scheme.lower() != "mailto":
        is_uri = _SCHEME.match(address) is not None
        return "dmarc_rua_not_mailto" if is_uri else "dmarc_rua_invalid"
    # RFC 7489 §6.2: a size may follow, `!10m`.
    mailbox = unquote(rest.partition("?")[0].partition("!")[0])
    try:
        vendor = parse_mailbox(mailbox).domain
    except BadAddress:
        return "dmarc_rua_invalid"
    if await _agrees(asking, vendor, domain):
        return None
    return "dmarc_rua_external_unauthorised"


async def _agrees(asking: Asking, vendor: str, domain: str) -> bool:
    """RFC 9990 §4: another organization has to say that it takes them."""
    if _same(vendor, domain):
        return True
    answer = await asking.ask(f"{domain}._report._dmarc.{vendor}", "TXT")
    if not answer.answered.is_known:
        return True  # nobody knows, and that is no fault
    return any(is_dmarc(text) for text in answer.records)


def _same(one: str, other: str) -> bool:
    own = older.organization(one)
    return one == other or (own is not None and own == older.organization(other))
