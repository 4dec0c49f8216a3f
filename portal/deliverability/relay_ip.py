"""Addresses of an own relay: their names (RFC 1912 §2.1), and lists that have them."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address

from portal.deliverability.asking import Asking
from portal.deliverability.rating import ordered, worst
from portal.deliverability.types import (
    Check,
    CheckName,
    Fix,
    IPAddress,
    Status,
    Subject,
)
from portal.deliverability.unknowing import reason_of
from portal.net.records import Answered

MOST_ADDRESSES = 8
MOST_LISTED = 16  # questions: each address at each list
_REFUSED = re.compile(r"127\.255\.255\.\d+")  # the list's word for: you may not ask


async def check_ptr(asking: Asking, subject: Subject) -> Check | None:
    """Gmail and others refuse addresses without a name (550 5.7.25). None: a provider's
    addresses are not the tenant's to name."""
    if not _applies(subject):
        return None
    relays = subject.relay_ips[:MOST_ADDRESSES]
    judged = await asyncio.gather(*(_named(asking, ip) for ip in relays))
    reasons: dict[str, Status] = {}
    for _, found in judged:
        reasons |= found
    names = [name for found, _ in judged for name in found]
    return Check(
        check=CheckName.PTR,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("ptr_ok",),
        found=tuple(names),
        fixes=tuple(
            _fix(ip, subject)
            for ip, (_, found) in zip(relays, judged, strict=True)
            if Status.FAIL in found.values()
        ),
        facts={
            "addresses": {
                str(ip): {"names": list(names), "reasons": list(found)}
                for ip, (names, found) in zip(relays, judged, strict=True)
            }
        },
    )


def _applies(subject: Subject) -> bool:
    own = subject.expectation is None or subject.expectation.own_relay
    return own and bool(subject.relay_ips)


async def _named(
    asking: Asking, ip: IPAddress
) -> tuple[tuple[str, ...], dict[str, Status]]:
    answer = await asking.ask(ip.reverse_pointer, "PTR")
    if not answer.answered.is_known:
        return (), {reason_of(answer.answered): Status.UNKNOWN}
    if not answer.records:
        return (), {"ptr_missing": Status.FAIL}
    names = answer.records[:MOST_ADDRESSES]
    confirmed = await asyncio.gather(*(_leads_back(asking, name, ip) for name in names))
    if True in confirmed:
        generic = all(_is_generic(name, ip) for name in names)
        return names, {"ptr_generic": Status.WARN} if generic else {}
    lost = next((each for each in confirmed if isinstance(each, Answered)), None)
    if lost is not None:
        return names, {reason_of(lost): Status.UNKNOWN}
    return names, {"ptr_not_forward_confirmed": Status.FAIL}


async def _leads_back(asking: Asking, name: str, ip: IPAddress) -> bool | Answered:
    """Or why nobody knows."""
    answer = await asking.ask(name, "A" if ip.version == 4 else "AAAA")
    if not answer.answered.is_known:
        return answer.answered
    return any(ip_address(text) == ip for text in answer.records)


def _is_generic(name: str, ip: IPAddress) -> bool:
    """A name made of the address, as access networks have them."""
    if ip.version == 6:
        digits = ip.exploded.replace(":", "")
        return digits in name.replace("-", "").replace(".", "")
    parts = str(ip).split(".")
    numbers = re.findall(r"\d+", name)
    stripped = [each.lstrip("0") or "0" for each in numbers]
    return all(part in stripped for part in parts) and len(stripped) >= 4


def _fix(ip: IPAddress, subject: Subject) -> Fix:
    host = subject.helo or subject.relay_host or "{mail host}"
    return Fix(
        name=ip.reverse_pointer,
        host=ip.reverse_pointer,
        type="PTR",
        value=host,
        note="Whoever gives you the address sets it; the name must lead back to it.",
    )


async def check_blocklists(asking: Asking, subject: Subject) -> Check | None:
    """RFC 5782. Only lists that somebody chose, only own addresses."""
    if not (_applies(subject) and subject.blocklists):
        return None
    asked = [(ip, zone) for ip in subject.relay_ips for zone in subject.blocklists]
    asked = asked[:MOST_LISTED]
    found = await asyncio.gather(*(_listed(asking, ip, zone) for ip, zone in asked))
    by_list = {
        f"{ip} {zone}": state for (ip, zone), state in zip(asked, found, strict=True)
    }
    states = set(found)
    reason, status = "blocklist_clean", Status.PASS
    if "listed" in states:
        reason, status = "blocklist_listed", Status.FAIL
    elif states - {"clean", "refused"}:
        unknown = next(state for state in found if state.startswith("dns_"))
        reason, status = unknown, Status.UNKNOWN
    elif "refused" in states:
        reason, status = "blocklist_query_refused", Status.INFO
    return Check(
        check=CheckName.BLOCKLIST,
        status=status,
        reasons=(reason,),
        found=tuple(where for where, state in by_list.items() if state == "listed"),
        facts={"lists": by_list},
    )


async def _listed(asking: Asking, ip: IPAddress, zone: str) -> str:
    """`clean`, `listed`, `refused`, or why nobody knows."""
    label = ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    answer = await asking.ask(f"{label}.{zone.strip('.')}", "A")
    if answer.answered is Answered.REFUSED:
        return "refused"
    if not answer.answered.is_known:
        return reason_of(answer.answered)
    if any(_REFUSED.fullmatch(text) for text in answer.records):
        return "refused"
    return "listed" if any(t.startswith("127.") for t in answer.records) else "clean"
