"""The report on one sender's domain: every check, at once, within its limits."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable

from portal.deliverability import bimi, domains
from portal.deliverability.asking import PATIENCE_S, Asking
from portal.deliverability.blocklists import check_blocklists
from portal.deliverability.dkim.judging import check_dkim
from portal.deliverability.dmarc.judging import ahead, check_dmarc
from portal.deliverability.dmarc.walk import walk
from portal.deliverability.dnssec import check_dnssec
from portal.deliverability.fixes import zone_of
from portal.deliverability.from_domain import check_from_domain, exists
from portal.deliverability.mx import check_mx
from portal.deliverability.rating import overall
from portal.deliverability.relay_names import check_ptr
from portal.deliverability.spf.judging import check_spf
from portal.deliverability.transport.dane import Shown, check_dane
from portal.deliverability.transport.mta_sts import Fetch, check_mta_sts
from portal.deliverability.transport.tls_rpt import check_tls_rpt
from portal.deliverability.types import Check, CheckName, Report, Subject
from portal.net.records import Dns, NameServers

_ORDER = list(CheckName)
_HELD_UP_S = 1.0


async def report(
    subject: Subject,
    dns: NameServers,
    fetch: Fetch,
    *,
    shown: Shown | None = None,
    patience_s: float = PATIENCE_S,
) -> Report:
    """`fetch` gets a policy of MTA-STS, through the caller's guard, and `shown` the
    certificates of a mail host; without it those are not looked at."""
    checks = [
        check
        async for check in checks_of(
            subject,
            dns,
            fetch,
            shown=shown,
            patience_s=patience_s,
        )
    ]
    gone = [each for each in checks if each.reasons[0] == "from_domain_nxdomain"]
    checks = gone or checks
    checks.sort(key=lambda check: _ORDER.index(check.check))
    return Report(
        domain=subject.domain,
        provider=subject.expectation.id if subject.expectation else None,
        status=overall(subject, checks),
        checks=tuple(checks),
    )


async def checks_of(
    subject: Subject,
    dns: NameServers,
    fetch: Fetch,
    *,
    shown: Shown | None = None,
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[Check]:
    """Each check as soon as it is known, in no order."""
    dns = dataclasses.replace(dns)  # who was silent once may answer now
    async with Asking(dns, patience_s=patience_s) as asking:
        _begin(asking, subject)
        unchecked = dataclasses.replace(dns, unchecked=True)
        running = _start(asking, unchecked, subject, fetch, shown)
        try:
            there = await _may_be_there(asking, subject.domain)
            first = asyncio.ensure_future(_one(check_from_domain(asking, subject)))
            running.append(first)
            if not there and "from_domain_nxdomain" in (await first)[0].reasons:
                yield (await first)[0]
                return  # one mistake, not five that follow from it
            for done in asyncio.as_completed(running):
                for check in await done:
                    yield _for_whom_it_is(subject, check)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _may_be_there(asking: Asking, domain: str) -> bool:
    """Silence is no sign that it is not, and holds up what is known for so long only."""
    try:
        async with asyncio.timeout(_HELD_UP_S):
            return await exists(asking, domain)
    except TimeoutError:
        return True


def _for_whom_it_is(subject: Subject, check: Check) -> Check:
    """Records of a free-mail domain are not this tenant's to publish."""
    if subject.somebody_elses or subject.is_homely:
        wanted = check.expected if check.check is CheckName.DMARC else None
        return dataclasses.replace(check, fixes=(), expected=wanted)
    return check


def _begin(asking: Asking, subject: Subject) -> None:
    """What other questions hang on, before all that stands alone."""
    asking.begin(f"_dmarc.{subject.domain}", "TXT")
    asking.begin(subject.domain, "MX")
    host = domains.envelope(subject)
    if host is not None and "{" not in host:
        asking.begin(host, "TXT")
        path = subject.usual_path
        if path is not None and any(each.type == "MX" for each in path.records):
            asking.begin(host, "MX")
    asking.begin(f"_mta-sts.{subject.domain}", "TXT")


def _start(
    asking: Asking, unchecked: Dns, subject: Subject, fetch: Fetch, shown: Shown | None
) -> list[asyncio.Task[list[Check]]]:
    spf = asyncio.ensure_future(check_spf(asking, subject))
    dkim = asyncio.ensure_future(check_dkim(asking, subject))
    alone = (
        check_mx(asking, subject),
        check_ptr(asking, subject),
        check_mta_sts(asking, subject, fetch),
        check_tls_rpt(asking, subject),
        check_dane(asking, subject, shown),
        check_dnssec(asking, unchecked, subject),
        check_blocklists(asking, subject),
    )
    return [
        *(asyncio.ensure_future(_one(each)) for each in alone),
        asyncio.ensure_future(_one(spf)),
        asyncio.ensure_future(_one(dkim)),
        asyncio.ensure_future(_policies(asking, subject, spf, dkim)),
    ]


async def _one(check: Awaitable[Check | None]) -> list[Check]:
    found = await check
    return [] if found is None else [found]


async def _policies(
    asking: Asking,
    subject: Subject,
    spf: Awaitable[Check],
    dkim: Awaitable[Check | None],
) -> list[Check]:
    """DMARC builds on both, a logo on DMARC; what they ask for is asked for at once."""
    asked = [walk(asking, each) for each in _three(subject)]
    zones = [zone_of(asking, each) for each in _three(subject)]
    await asyncio.gather(
        ahead(asking, subject),
        bimi.look(asking, subject),
        *asked,
        *zones,
    )
    dmarc = await check_dmarc(asking, subject, await spf, await dkim)
    return [dmarc, await bimi.check_bimi(asking, subject, dmarc)]


def _three(subject: Subject) -> set[str]:
    """The domains whose alignment counts."""
    known = {subject.domain, domains.signing(subject), domains.envelope(subject)}
    return {each for each in known if each is not None and "{" not in each}
