"""The whole report: what fails all, what only warns, and how long it takes."""

from __future__ import annotations

import asyncio
import time

import pytest

from portal.deliverability.report import checks_of, report
from portal.deliverability.types import (
    CheckName,
    DkimExpected,
    Expectation,
    SpfExpected,
    Subject,
)
from portal.net.records import NameServers
from portal.net.types import NetFailure, NetTrouble
from tests.net.zones import Zones

KEY = "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SHOP = f"""
    @ A 192.0.2.1
    @ MX 10 mail
    mail A 192.0.2.2
    @ TXT "v=spf1 include:_spf.post.example ~all"
    s1._domainkey TXT "v=DKIM1; {KEY}"
    _dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@shop.example"
"""
ZONES = {
    "shop.example": SHOP,
    "post.example": '_spf TXT "v=spf1 ip4:192.0.2.0/24 -all"',
    "example": "www A 192.0.2.1",
}
POST = Expectation(
    id="post",
    name="Post",
    spf=SpfExpected(includes=("include:_spf.post.example",)),
    dkim=DkimExpected(selectors=("s1",)),
)
SUBJECT = Subject(domain="shop.example", expectation=POST)


async def nobody(url):
    return NetFailure(trouble=NetTrouble.REFUSED, words="refused")


def made(zones, subject=SUBJECT, *, timeout_s=1.0, patience_s=5.0, **how):
    with Zones(zones, **how) as served:
        servers = NameServers(served.address, timeout_s=timeout_s, rounds=1)
        began = time.monotonic()
        found = asyncio.run(report(subject, servers, nobody, patience_s=patience_s))
        return found, served, time.monotonic() - began


def test_all_in_order():
    found, served, _ = made(ZONES)

    assert found.status == "pass"
    assert (found.domain, found.provider) == ("shop.example", "post")
    order = [check.check for check in found.checks]
    assert order == sorted(order, key=list(CheckName).index)
    assert CheckName.PTR not in order and CheckName.BLOCKLIST not in order
    assert max(served.asked.values()) == 1


@pytest.mark.parametrize(
    ("old", "new", "status", "fails"),
    [
        ("_dmarc TXT", "_other TXT", "fail", "dmarc"),
        ("s1._domainkey", "s2._domainkey", "fail", "dkim"),
        ("include:_spf", "include:_psf", "fail", "spf"),
        ("~all", "?all", "warn", None),
        ("@ MX 10 mail", "@ MX 0 .", "warn", "mx"),
        ("@ MX 10 mail", "@ MX 10 mail\n_mta-sts ! SERVFAIL", "warn", None),
    ],
)
def test_what_is_required_decides(old, new, status, fails):
    found, _, _ = made({**ZONES, "shop.example": SHOP.replace(old, new)})

    assert found.status == status
    failing = {check.check.value for check in found.checks if check.status == "fail"}
    assert failing == ({fails} if fails else set())


def test_a_domain_that_is_not_there_is_one_fault():
    found, _, _ = made({"example": "www A 192.0.2.1"})

    assert [check.reasons for check in found.checks] == [("from_domain_nxdomain",)]
    assert found.status == "fail"


def test_a_name_that_hangs_delays_nothing_else():
    zones = {**ZONES, "post.example": "_spf ! SILENT"}

    async def arrivals(served):
        servers = NameServers(served.address, timeout_s=1.5, rounds=1)
        began = time.monotonic()
        return {
            check.check: time.monotonic() - began
            async for check in checks_of(SUBJECT, servers, nobody)
        }

    with Zones(zones) as served:
        came = asyncio.run(arrivals(served))

    assert came[CheckName.SPF] > 1.4
    assert came[CheckName.DKIM] < came[CheckName.SPF] - 0.2
    assert came[CheckName.MX] < came[CheckName.SPF] - 0.2


def test_a_domain_that_hangs_delays_what_is_known_beneath_it():
    zones = {**ZONES, "shop.example": SHOP.replace("@ A 192.0.2.1", "@ ! SILENT")}

    async def arrivals(served):
        servers = NameServers(served.address, timeout_s=3, rounds=1)
        began = time.monotonic()
        return {
            check.check: (time.monotonic() - began, check.status)
            async for check in checks_of(SUBJECT, servers, nobody)
        }

    with Zones(zones) as served:
        came = asyncio.run(arrivals(served))

    assert came[CheckName.FROM_DOMAIN][1] == "unknown"
    assert came[CheckName.FROM_DOMAIN][0] > 2.9
    assert came[CheckName.DKIM][1] == "pass"
    assert came[CheckName.DKIM][0] < came[CheckName.FROM_DOMAIN][0] - 0.5


def test_a_report_ends_in_time_with_what_is_known():
    zones = {**ZONES, "post.example": "_spf ! SILENT"}

    found, _, took = made(zones, timeout_s=30, patience_s=0.6)

    by_name = {check.check: check for check in found.checks}
    assert by_name[CheckName.SPF].reasons == ("dns_timeout",)
    assert by_name[CheckName.DKIM].status == "pass"
    assert took < 10


def test_no_more_than_sixty_questions():
    many = " ".join(f"include:i{n}.shop.example" for n in range(15))
    deep = "\n".join(
        f'i{n} TXT "v=spf1 '
        + " ".join(f"a:x{n}-{m}.shop.example" for m in range(9))
        + '"'
        for n in range(15)
    )
    zone = SHOP.replace("include:_spf.post.example", f'" "{many[:200]}" "{many[200:]}')

    found, served, _ = made({**ZONES, "shop.example": f"{zone}\n{deep}"})

    assert served.asked.total() <= 60
    assert found.status != "pass"
