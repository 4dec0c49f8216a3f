"""DANE for SMTP (RFC 7672): the certificates of the mail hosts, in a signed zone."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown

MOST_HOSTS = 5


async def check_dane(asking: Asking, subject: Subject) -> Check:
    """Records alone: whether a host shows the certificate that they name is seen by
    whoever talks to it. `authenticated` is the word of the resolver in use."""
    mail = await asking.ask(subject.domain, "MX")
    if not mail.answered.is_known:
        return unknown(CheckName.DANE, mail.answered, subject.domain)
    hosts = [record.rpartition(" ")[2] for record in mail.records][:MOST_HOSTS]
    answers = await asyncio.gather(
        *(asking.ask(f"_25._tcp.{host}", "TLSA") for host in hosts if host != ".")
    )
    there = [each for each in answers if each.records]
    lost = [each for each in answers if not each.answered.is_known]
    if not there and lost:
        return unknown(CheckName.DANE, lost[0].answered, lost[0].name)
    reason, status = "dane_ok", Status.PASS
    if not there:
        reason, status = "dane_absent", Status.INFO
    elif not all(each.authenticated for each in there):
        reason, status = "dane_without_dnssec", Status.WARN
    return Check(
        check=CheckName.DANE,
        status=status,
        reasons=(reason,),
        found=tuple(text for each in there for text in each.records),
        facts={"hosts": [each.name.removeprefix("_25._tcp.") for each in there]},
    )
