"""Names of an own relay's addresses: each has one, and one leads back (RFC 1912 §2.1)."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.deliverability.rating import ordered, worst
from portal.deliverability.relay_fixes import records_for
from portal.deliverability.relay_ip import (
    MOST_ADDRESSES,
    Named,
    concern,
    is_generic,
    leads_back,
)
from portal.deliverability.types import Check, CheckName, IPAddress, Status, Subject
from portal.deliverability.unknowing import reason_of
from portal.net.records import Answered

MOST_NAMES = 10  # of one address, as in RFC 7208 §4.6.4
MOST_FOLLOWED = 16  # of all
_ROOM = f"{MOST_ADDRESSES} addresses"
_NOT_ASKED = {reason_of(Answered.TIMEOUT): Status.UNKNOWN}  # there was no room for it


async def check_ptr(asking: Asking, subject: Subject) -> Check | None:
    """Gmail and others refuse addresses without a name (550 5.7.25). None: a provider's
    addresses are not the tenant's to name."""
    if not concern(subject):
        return None
    relays = subject.relay_ips
    most = min(MOST_NAMES, MOST_FOLLOWED // min(len(relays), MOST_ADDRESSES))
    judged = await asyncio.gather(
        *(_named(asking, ip, most) for ip in relays[:MOST_ADDRESSES])
    )
    judged += [
        Named(ip=ip, place=ip.reverse_pointer, reasons=_NOT_ASKED)
        for ip in relays[MOST_ADDRESSES:]
    ]
    reasons: dict[str, Status] = {}
    for each in judged:
        reasons |= each.reasons
    return Check(
        check=CheckName.PTR,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("ptr_ok",),
        found=tuple(name for each in judged for name in each.names),
        fixes=await records_for(asking, subject, judged),
        facts={
            "addresses": {
                str(each.ip): {"names": list(each.names), "reasons": list(each.reasons)}
                for each in judged
            },
            "unanswered": [str(each.ip) for each in judged if not each.is_known],
            "room_for": _ROOM if relays[MOST_ADDRESSES:] else None,
        },
    )


async def _named(asking: Asking, ip: IPAddress, most: int) -> Named:
    answer = await asking.ask(ip.reverse_pointer, "PTR")
    names = answer.records[:most]
    place = answer.aliases[-1] if answer.aliases else ip.reverse_pointer
    leading = await asyncio.gather(*(leads_back(asking, name, ip) for name in names))
    good = [name for name, leads in zip(names, leading, strict=True) if leads is True]
    lost = [each for each in leading if isinstance(each, Answered)]
    if len(names) < len(answer.records):
        lost.append(Answered.TIMEOUT)
    reasons: dict[str, Status] = {}
    if not answer.answered.is_known:
        reasons[reason_of(answer.answered)] = Status.UNKNOWN
    elif not names:
        reasons["ptr_missing"] = Status.FAIL
    elif good:
        if all(is_generic(name, ip) for name in good):
            reasons["ptr_generic"] = Status.WARN
    elif lost:
        reasons[reason_of(lost[0])] = Status.UNKNOWN
    else:
        reasons["ptr_not_forward_confirmed"] = Status.FAIL
    return Named(ip=ip, place=place, names=names, reasons=reasons)
