"""The From domain itself: is it there, can it take answers (RFC 5321 §5.1, RFC 7505)."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix
from portal.deliverability.rating import ordered, worst
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.net.records import Answered, Kind, Records

MOST_HOSTS = 10
_KINDS: tuple[Kind, ...] = ("A", "AAAA", "MX", "TXT", "NS")
_ADDRESSES: tuple[Kind, ...] = ("A", "AAAA")


async def check_from_domain(asking: Asking, subject: Subject) -> Check:
    """Receivers refuse mail from what does not exist (5.1.8)."""
    answers = await _all(asking, subject.domain, _KINDS)
    there = [each for each in answers if each.records]
    gone = [each for each in answers if each.answered is Answered.NXDOMAIN]
    if gone:
        return Check(
            check=CheckName.FROM_DOMAIN,
            status=Status.FAIL,
            reasons=("from_domain_nxdomain",),
        )
    lost = [each for each in answers if not each.answered.is_known]
    if lost and not there:
        return unknown(CheckName.FROM_DOMAIN, lost[0].answered, subject.domain)
    mail = [each for each in there if each.kind in ("A", "AAAA", "MX")]
    maybe = [each for each in lost if each.kind in ("A", "AAAA", "MX")]
    if mail or maybe:
        return Check(
            check=CheckName.FROM_DOMAIN,
            status=Status.PASS,
            reasons=("from_domain_ok",),
            facts={"records": [each.kind for each in there]},
        )
    return Check(
        check=CheckName.FROM_DOMAIN,
        status=Status.WARN,
        reasons=("from_domain_no_mail_records",),
        expected="MX",
        facts={"records": [each.kind for each in there]},
    )


async def check_mx(asking: Asking, subject: Subject) -> Check:
    """Where replies and bounces go."""
    answer = await asking.ask(subject.domain, "MX")
    if not answer.answered.is_known:
        return unknown(CheckName.MX, answer.answered, subject.domain)
    if not answer.records:
        return await _without_mx(asking, subject)
    hosts = [record.rpartition(" ")[2] for record in answer.records][:MOST_HOSTS]
    if "." in hosts:
        return await _null_mx(asking, subject, answer)
    reasons: dict[str, Status] = {}
    for found in await asyncio.gather(*(_host(asking, host) for host in hosts)):
        reasons |= found
    return Check(
        check=CheckName.MX,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("mx_ok",),
        found=answer.records,
    )


async def _without_mx(asking: Asking, subject: Subject) -> Check:
    addresses = await _all(asking, subject.domain, _ADDRESSES)
    lost = [each for each in addresses if not each.answered.is_known]
    implicit = any(each.records for each in addresses)
    if lost and not implicit:
        return unknown(CheckName.MX, lost[0].answered, subject.domain)
    return Check(
        check=CheckName.MX,
        status=Status.WARN if implicit else Status.FAIL,
        reasons=("mx_missing_implicit_a" if implicit else "mx_missing",),
        expected="MX",
    )


async def _null_mx(asking: Asking, subject: Subject, answer: Records) -> Check:
    note = "In place of “0 .”, which says that this domain takes no mail (RFC 7505)."
    value = "10 {your mail server}"
    return Check(
        check=CheckName.MX,
        status=Status.FAIL,
        reasons=("mx_null",),
        found=answer.records,
        fixes=(await fix(asking, subject.domain, "MX", value, note),),
    )


async def _host(asking: Asking, host: str) -> dict[str, Status]:
    if _is_address(host):
        return {"mx_points_to_ip": Status.FAIL}
    answers = await _all(asking, host, _ADDRESSES)
    if not any(each.records for each in answers):
        if any(not each.answered.is_known for each in answers):
            return {}
        return {"mx_target_unresolvable": Status.FAIL}
    if any(each.aliases for each in answers):
        return {"mx_points_to_cname": Status.WARN}
    return {}


def _is_address(host: str) -> bool:
    """Panels append the zone, so `192.0.2.1.shop.example` was meant as an address."""
    try:
        ip_address(host)
    except ValueError:
        return re.match(r"(\d{1,3}\.){3}\d{1,3}(\.|$)", host) is not None
    return True


async def _all(
    asking: Asking, name: str, kinds: tuple[Kind, ...]
) -> tuple[Records, ...]:
    return tuple(await asyncio.gather(*(asking.ask(name, kind) for kind in kinds)))
