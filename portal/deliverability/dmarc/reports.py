"""Where a policy wants its reports: addresses that work, vendors that agreed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import unquote

from portal.address import BadAddress, parse_mailbox
from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Dmarc, is_dmarc
from portal.deliverability.fixes import fix
from portal.deliverability.suffixes import organization
from portal.deliverability.types import Fix, Status
from portal.deliverability.unknowing import reason_of

MOST_ADDRESSES = 5
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """`agreements` are the records that vendors lack, for them to publish; `unasked`
    a name of such a record that nobody told about."""

    reasons: dict[str, Status]
    agreements: tuple[Fix, ...] = ()
    unasked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    reason: str | None = None
    status: Status = Status.WARN
    agreement: Fix | None = None
    unasked: str | None = None


async def reports(asking: Asking, record: Dmarc, domain: str) -> Reports:
    """`domain` is where the record stands."""
    if not record.rua:
        return Reports(reasons={"dmarc_no_rua": Status.WARN})
    found = await asyncio.gather(
        *(_one(asking, each, domain) for each in record.rua[:MOST_ADDRESSES])
    )
    lacking = {each.agreement.name: each.agreement for each in found if each.agreement}
    return Reports(
        reasons={each.reason: each.status for each in found if each.reason},
        agreements=tuple(lacking.values()),
        unasked=next((each.unasked for each in found if each.unasked), None),
    )


def are_wanted(record: Dmarc) -> bool:
    """At least one address is a URI (RFC 9989 §4.10.1)."""
    return any(_read(each)[0] != "dmarc_rua_invalid" for each in record.rua)


def _read(address: str) -> tuple[str | None, str]:
    """What is wrong with it, and at which domain it is."""
    scheme, _, rest = address.partition(":")
    if scheme.lower() != "mailto":
        is_uri = _SCHEME.match(address) is not None
        return "dmarc_rua_not_mailto" if is_uri else "dmarc_rua_invalid", ""
    # RFC 7489 §6.2: a size may follow, `!10m`.
    mailbox = unquote(rest.partition("?")[0].partition("!")[0])
    if mailbox.startswith("//"):  # as of the web; a mailbox has none (RFC 6068 §2)
        return "dmarc_rua_invalid", ""
    try:
        return None, parse_mailbox(mailbox).domain
    except BadAddress:
        return "dmarc_rua_invalid", ""


async def _one(asking: Asking, address: str, domain: str) -> _Address:
    wrong, vendor = _read(address)
    if wrong or _same(vendor, domain):
        return _Address(reason=wrong)
    return await _of(asking, vendor, domain)


async def _of(asking: Asking, vendor: str, domain: str) -> _Address:
    """RFC 9990 §4: another organization has to say that it takes them."""
    name = f"{domain}._report._dmarc.{vendor}"
    answer = await asking.ask(name, "TXT")
    if not answer.answered.is_known:
        return _Address(
            reason=reason_of(answer.answered), status=Status.UNKNOWN, unasked=name
        )
    if any(is_dmarc(text) for text in answer.records):
        return _Address()
    note = f"For {vendor} to publish, who get the reports."
    return _Address(
        reason="dmarc_rua_external_unauthorised",
        agreement=await fix(asking, name, "TXT", "v=DMARC1", note),
    )


def _same(one: str, other: str) -> bool:
    own = organization(one)
    return one == other or (own is not None and own == organization(other))
