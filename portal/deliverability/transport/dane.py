"""DANE for SMTP (RFC 7672): the certificates of the mail hosts, in a signed zone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix
from portal.deliverability.suffixes import organization
from portal.deliverability.transport import tlsa
from portal.deliverability.types import Check, CheckName, Fix, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.net.records import Records

Shown = Callable[[str], Awaitable[Sequence[str]]]
MOST_HOSTS = 5
MOST_LOOKS = 2
LOOK_S = 5.0
_NOTE = "In place of those that fit nothing, if the certificate shown now is the host's own."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A mail host, whether its certificate fits one of its records (None: not known),
    and the record that would, where one was shown."""

    host: str
    fits: bool | None = None
    wanted: str = ""


async def check_dane(
    asking: Asking, subject: Subject, shown: Shown | None = None
) -> Check:
    """`shown` tells the certificates (PEM) that a mail host shows at port 25, its own
    first; none where it cannot be reached, which says nothing. `authenticated` is the
    word of the resolver in use."""
    mail = await asking.ask(subject.domain, "MX")
    if not mail.answered.is_known:
        return unknown(CheckName.DANE, mail.answered, subject.domain)
    # RFC 7672 §2.2.2: without MX the domain itself is the mail host.
    hosts = [each.rpartition(" ")[2] for each in mail.records] or [subject.domain]
    answers = await asyncio.gather(
        *(
            asking.ask(f"_25._tcp.{host}", "TLSA")
            for host in hosts[:MOST_HOSTS]
            if host != "."
        )
    )
    # RFC 7672 §3.1.3: those of other usages are not for mail, as if they were not there.
    there = [each for each in answers if any(map(tlsa.is_for_mail, each.records))]
    lost = [each for each in answers if not each.answered.is_known]
    if lost:
        return unknown(CheckName.DANE, lost[0].answered, lost[0].name)
    reason, status = "dane_ok", Status.PASS
    if not there:
        reason, status = "dane_absent", Status.INFO
    elif not all(each.authenticated for each in (mail, *there)):
        reason, status = "dane_without_dnssec", Status.WARN
    seen = await _seen(asking, there, shown) if reason == "dane_ok" and shown else []
    wrong = [each for each in seen if each.fits is False]
    if wrong:
        reason, status = "dane_mismatch", Status.FAIL
    return Check(
        check=CheckName.DANE,
        status=status,
        reasons=(reason,),
        found=tuple(text for each in answers for text in each.records),
        fixes=tuple([await _fix(asking, each, subject.domain) for each in wrong]),
        facts={
            "hosts": [_host(each) for each in there],
            "without": [_host(each) for each in answers if each not in there],
            "seen": {each.host: each.fits for each in seen},
        },
    )


def _host(answer: Records) -> str:
    return answer.name.removeprefix("_25._tcp.")


async def _seen(asking: Asking, there: list[Records], shown: Shown) -> list[_Seen]:
    looks = (_look(asking, each, shown) for each in there[:MOST_LOOKS])
    return list(await asyncio.gather(*looks))


async def _look(asking: Asking, answer: Records, shown: Shown) -> _Seen:
    host = _host(answer)
    try:
        async with asyncio.timeout(min(LOOK_S, asking.left_s)):
            pems = await shown(host)
    except TimeoutError:
        return _Seen(host=host)
    found = {tlsa.fits(record, pems) for record in answer.records}
    fits = True if True in found else False if False in found else None
    return _Seen(
        host=host, fits=fits, wanted=tlsa.record(pems[0]) if found - {None} else ""
    )


async def _fix(asking: Asking, seen: _Seen, domain: str) -> Fix:
    own = organization(seen.host) == organization(domain)
    note = _NOTE if own else f"For whoever runs {seen.host} to publish."
    return await fix(asking, f"_25._tcp.{seen.host}", "TLSA", seen.wanted, note)
