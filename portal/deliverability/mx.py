"""Where replies and bounces go (RFC 5321 §5.1, RFC 7505)."""

from __future__ import annotations

import asyncio
import re

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import OWN_MAIL, fix, own_mail
from portal.deliverability.rating import ordered, worst
from portal.deliverability.types import Check, CheckName, Fix, Status, Subject
from portal.deliverability.unknowing import reason_of, unknown
from portal.net.records import Records

MOST_HOSTS = 6


async def check_mx(asking: Asking, subject: Subject) -> Check:
    answer = await asking.ask(subject.domain, "MX")
    if not answer.answered.is_known:
        return unknown(CheckName.MX, answer.answered, subject.domain)
    if not answer.records:
        return await _without_mx(asking, subject, answer)
    hosts = [record.rpartition(" ")[2] for record in answer.records][:MOST_HOSTS]
    if "." in hosts:
        return await _null_mx(asking, subject, answer)
    judged = await asyncio.gather(*(_host(asking, host) for host in hosts))
    reasons: dict[str, Status] = {}
    for found in judged:
        reasons |= found
    if {} in judged:  # one that works takes the mail while nobody tells of others
        reasons = {r: s for r, s in reasons.items() if s is not Status.UNKNOWN}
    fixes = await _named_rightly(asking, subject, answer, reasons)
    return Check(
        check=CheckName.MX,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("mx_ok",),
        found=answer.records,
        expected=fixes[0].value if fixes else None,
        fixes=fixes,
    )


async def _named_rightly(
    asking: Asking, subject: Subject, answer: Records, reasons: dict[str, Status]
) -> tuple[Fix, ...]:
    if not set(reasons) & {
        "mx_points_to_ip",
        "mx_target_unresolvable",
        "mx_points_to_cname",
    }:
        return ()
    made: dict[str, str] = {}  # the value, and what there is to say of it
    stays: list[str] = []
    broken: list[tuple[str, str]] = []
    works = False
    for record in answer.records[:MOST_HOSTS]:
        preference, _, host = record.rpartition(" ")
        found = await _host(asking, host)
        if "mx_points_to_cname" in found:
            at = (await asking.ask(host, "A")).aliases
            at = at or (await asking.ask(host, "AAAA")).aliases
            made.setdefault(f"{preference} {at[-1]}", f"In place of the alias {host}.")
        elif Status.FAIL in found.values():
            broken.append((preference, host))
        else:
            stays.append(record)
            works |= not found
    named = " and ".join(host for _, host in broken)
    if broken and not (works or made):
        made = {f"{broken[0][0]} {{your mail server}}": f"In place of {named}."}
    elif broken:
        made |= dict.fromkeys((*stays, *answer.records[MOST_HOSTS:]), "Stays.")
        made = {value: f"{note} Take {named} away." for value, note in made.items()}
    return tuple(
        [
            await fix(asking, subject.domain, "MX", value, note)
            for value, note in made.items()
        ]
    )


async def _without_mx(asking: Asking, subject: Subject, answer: Records) -> Check:
    addresses = await _addresses(asking, subject.domain)
    lost = [each for each in addresses if not each.answered.is_known]
    made = await own_mail(asking, subject.domain, answer)
    implicit = any(each.records for each in addresses)
    if lost and not implicit:
        return unknown(CheckName.MX, lost[0].answered, subject.domain)
    return Check(
        check=CheckName.MX,
        status=Status.WARN if implicit else Status.FAIL,
        reasons=("mx_missing_implicit_a" if implicit else "mx_missing",),
        expected="MX",
        fixes=(made,),
    )


async def _null_mx(asking: Asking, subject: Subject, answer: Records) -> Check:
    """RFC 7505 §3: it stands alone; beside others it is what somebody forgot."""
    others = [each for each in answer.records if not each.endswith(" .")]
    value = others[0] if others else OWN_MAIL
    note = "In place of “0 .”, which says that this domain takes no mail (RFC 7505)."
    return Check(
        check=CheckName.MX,
        status=Status.FAIL,
        reasons=("mx_null",),
        found=answer.records,
        expected=value,
        fixes=(await fix(asking, subject.domain, "MX", value, note),),
    )


async def _host(asking: Asking, host: str) -> dict[str, Status]:
    if _is_address(host):
        return {"mx_points_to_ip": Status.FAIL}
    answers = await _addresses(asking, host)
    if not any(each.records for each in answers):
        lost = [each for each in answers if not each.answered.is_known]
        if lost:
            return {reason_of(lost[0].answered): Status.UNKNOWN}
        return {"mx_target_unresolvable": Status.FAIL}
    if any(each.aliases for each in answers):
        return {"mx_points_to_cname": Status.WARN}
    return {}


def _is_address(host: str) -> bool:
    """Panels append the zone, so `192.0.2.1.shop.example` was meant as an address; a
    colon is in no name of a host."""
    host = host.strip("[]")
    return ":" in host or re.match(r"(\d{1,3}\.){3}\d{1,3}(\.|$)", host) is not None


async def _addresses(asking: Asking, name: str) -> tuple[Records, Records]:
    return await asyncio.gather(asking.ask(name, "A"), asking.ask(name, "AAAA"))
