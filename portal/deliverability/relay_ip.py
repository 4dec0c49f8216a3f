"""Addresses of an own relay: their names (RFC 1912 §2.1), and lists that have them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
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
from portal.net.records import Answered, Dns

MOST_ADDRESSES = 8
MOST_LISTED = 16  # questions: each address at each list
# A list's word for: you may not ask. Of Spamhaus and those like it, and of URIBL's kin.
_REFUSED = re.compile(r"127\.255\.255\.\d+|127\.0\.0\.1")
_NOT_ASKED = (reason_of(Answered.TIMEOUT), "")  # there was no room for it
_REASONS = {
    "listed": {"blocklist_listed": Status.FAIL},
    "refused": {"blocklist_query_refused": Status.INFO},
    "clean": {},
}


async def check_ptr(asking: Asking, subject: Subject) -> Check | None:
    """Gmail and others refuse addresses without a name (550 5.7.25). None: a provider's
    addresses are not the tenant's to name."""
    if not _applies(subject):
        return None
    relays = subject.relay_ips
    judged = await asyncio.gather(
        *(_named(asking, ip) for ip in relays[:MOST_ADDRESSES])
    )
    left = {_NOT_ASKED[0]: Status.UNKNOWN}
    judged += [((), left)] * len(relays[MOST_ADDRESSES:])
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


async def addresses_of(dns: Dns, host: str) -> tuple[IPAddress, ...]:
    """Where a relay is that sends from the address of its own name, or is told by it."""
    with suppress(ValueError):
        return (ip_address(host.strip("[]")),)
    answers = await asyncio.gather(dns.ask(host, "A"), dns.ask(host, "AAAA"))
    return tuple(ip_address(text) for each in answers for text in each.records)


def _applies(subject: Subject) -> bool:
    return subject.sends_itself and bool(subject.relay_ips)


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
    good = [name for name, leads in zip(names, confirmed, strict=True) if leads is True]
    if good:
        generic = all(_is_generic(name, ip) for name in good)
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
    """A name made of the address, as access networks have them: its numbers in any
    order, its digits in a row, or as hexadecimal ones."""
    if ip.version == 6:
        digits = ip.exploded.replace(":", "")
        short = "-".join(f"{int(each, 16):x}" for each in ip.exploded.split(":"))
        written = (ip.compressed.replace(":", "-"), short)
        plain = name.replace("-", "").replace(".", "")
        return digits in plain or any(each in name for each in written)
    parts = [int(each) for each in str(ip).split(".")]
    numbers = Counter(int(each) for each in re.findall(r"\d{1,3}(?!\d)", name))
    in_a_row = ("".join(f"{each:03}" for each in parts), f"{int(ip):08x}")
    return Counter(parts) <= numbers or any(each in name for each in in_a_row)


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
    found = await asyncio.gather(
        *(_listed(asking, ip, zone) for ip, zone in asked[:MOST_LISTED])
    )
    found += [_NOT_ASKED] * len(asked[MOST_LISTED:])
    reasons = {
        reason: status
        for state, _ in found
        for reason, status in _REASONS.get(state, {state: Status.UNKNOWN}).items()
    }
    pairs = [
        (f"{ip} {zone}", *told) for (ip, zone), told in zip(asked, found, strict=True)
    ]
    return Check(
        check=CheckName.BLOCKLIST,
        status=worst(reasons.values()) if reasons else Status.PASS,
        reasons=ordered(reasons) or ("blocklist_clean",),
        found=tuple(
            f"{where} {codes}" for where, state, codes in pairs if state == "listed"
        ),
        facts={"lists": {where: state for where, state, _ in pairs}},
    )


async def _listed(asking: Asking, ip: IPAddress, zone: str) -> tuple[str, str]:
    """`clean`, `listed`, `refused`, or why nobody knows; and the list's codes."""
    label = ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    answer = await asking.ask(f"{label}.{zone.strip('.')}", "A")
    codes = [text for text in answer.records if text.startswith("127.")]
    refused = any(_REFUSED.fullmatch(text) for text in codes)
    if refused or answer.answered is Answered.REFUSED:
        return "refused", ""
    if not answer.answered.is_known:
        return reason_of(answer.answered), ""
    return "listed" if codes else "clean", " ".join(codes)
