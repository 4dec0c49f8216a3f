"""Is the zone signed, and does its signature hold (RFC 4035)."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.net.records import Answered, Dns


async def check_dnssec(asking: Asking, unchecked: Dns, subject: Subject) -> Check:
    """`unchecked` asks the same resolver to leave signatures alone (CD): what answers
    then, and only then, is bogus. AD is believed of the operator's resolver."""
    answer = await asking.ask(subject.domain, "SOA")
    failed = answer.answered is Answered.SERVFAIL
    if failed and await _is_there(asking, unchecked, subject.domain):
        return _check("dnssec_bogus", Status.FAIL)
    if not answer.answered.is_known:
        return unknown(CheckName.DNSSEC, answer.answered, subject.domain)
    if answer.authenticated:
        return _check("dnssec_signed", Status.PASS)
    return _check("dnssec_unsigned", Status.INFO)


async def _is_there(asking: Asking, unchecked: Dns, domain: str) -> bool:
    try:
        async with asyncio.timeout(asking.left_s):
            plain = await unchecked.ask(domain, "SOA")
    except TimeoutError:
        return False
    return plain.answered in (Answered.OK, Answered.NODATA)


def _check(reason: str, status: Status) -> Check:
    return Check(check=CheckName.DNSSEC, status=status, reasons=(reason,))
