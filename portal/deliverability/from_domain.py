"""The From domain itself: is it there, has it anything to do with mail."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import own_mail
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.typos import close_names
from portal.deliverability.unknowing import unknown
from portal.net.records import Answered, Kind, Records

_KINDS: tuple[Kind, ...] = ("A", "AAAA", "MX", "TXT", "NS")


async def check_from_domain(asking: Asking, subject: Subject) -> Check:
    """Receivers refuse mail from what does not exist (5.1.8)."""
    answers = await asyncio.gather(
        *(asking.ask(subject.domain, kind) for kind in _KINDS)
    )
    there = [each for each in answers if each.records]
    gone = [each for each in answers if each.answered is Answered.NXDOMAIN]
    if gone and not there:
        return await _gone(asking, subject, gone[0])
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
        fixes=(await own_mail(asking, subject.domain, answers[0]),),
        facts={"records": [each.kind for each in there]},
    )


async def _gone(asking: Asking, subject: Subject, answer: Records) -> Check:
    """Probably a slip of the pen: names close by that are there are told."""
    return Check(
        check=CheckName.FROM_DOMAIN,
        status=Status.FAIL,
        reasons=("from_domain_nxdomain",),
        expected="A domain that exists",
        facts={
            "leads_to": answer.aliases[-1] if answer.aliases else None,
            "close": list(await close_names(asking, subject.domain)),
        },
    )


async def exists(asking: Asking, domain: str) -> bool:
    """Returns as soon as one answer says that the name is there."""
    asked = [asyncio.ensure_future(asking.ask(domain, kind)) for kind in _KINDS]
    try:
        for each in asyncio.as_completed(asked):
            if (await each).answered in (Answered.OK, Answered.NODATA):
                return True
        return False
    finally:
        for left in asked:
            left.cancel()
