"""Records thrown together at random: what is proposed ends in a record that works."""

from __future__ import annotations

import asyncio
import random
from ipaddress import ip_address

import pytest

from portal.deliverability.spf.check_host import check_host
from portal.deliverability.spf.macros import Asked
from portal.net.records import NameServers
from tests.deliverability.scenario import Scenario
from tests.deliverability.test_fixes_mend import asked, published, wrong_of
from tests.net.zones import Zones

TERMS = """
mx a ?mx -a a/24 mx:shop.example a:mail.shop.example ptr exp=why.shop.example moo=x
include:a.shop.example include:b.shop.example include:c.shop.example
?include:a.shop.example -include:b.shop.example include:gone.shop.example
include:vendor.example include:bad.example include:open.example include:gone.example
include:spf.mailjet.com ?include:spf.mailjet.com -include:SPF.mailjet.com
include=spf.mailjet.com exists:%{i}.x.shop.example exists:gone.shop.example
ip4:192.0.2.1 ip4:203.0.113.5 ?ip4:203.0.113.5 -ip4:203.0.113.0/24 ip4:0.0.0.0/0
redirect=vendor.example redirect=a.shop.example redirect=soft.example
redirect=open.example redirect=gone.example redirect=shop.example
-all -all ~all ~all ?all +all all all. foo v=spf1 ipv4:192.0.2.3
"""
ABROAD = {
    "bad.example": '@ TXT "v=spf1 ip5:1 -all"',
    "open.example": '@ TXT "v=spf1 +all"',
    "soft.example": '@ TXT "v=spf1 ip4:192.0.2.77 ?all"',
    "example": "www A 192.0.2.1",
}
OWN = ("203.0.113.5", "2001:db8::5")
OF_MAILJET = ("198.51.100.7",)
ROUNDS = 6  # what one mistake hid comes out when it is mended


def made(chance):
    names = [
        *"@" * chance.choice([0, 1, 1, 1, 2]),
        *"ab" * chance.choice([0, 1, 1]),
        "c",
    ]
    zone = "\n".join(
        f'{name} TXT "v=spf1 {" ".join(chance.choices(TERMS.split(), k=chance.randint(0, 5)))}"'
        for name in names
    )
    own = chance.random() < 0.4
    return Scenario(
        name="random",
        status="fail",
        expect={},
        provider="generic_smtp" if own else "mailjet",
        zone=zone,
        zones=ABROAD,
        given={"relay_ips": OWN} if own else {},
    )


async def evaluated(address, ip):
    servers = NameServers(address, timeout_s=0.8, rounds=1)
    whom = Asked(
        ip=ip_address(ip), sender="postmaster@shop.example", helo="shop.example"
    )
    return await check_host(servers, whom, "shop.example")


@pytest.mark.parametrize("seed", range(40))
def test_whatever_stood_there_the_sender_is_let_in(seed):
    scenario = made(random.Random(seed))
    zones = scenario.served
    with Zones(zones) as served:
        for _ in range(ROUNDS):
            served.publish(zones)
            checks = asyncio.run(asked(scenario.subject, served.address))
            if not checks[0].fixes:
                break
            for fix in checks[0].fixes:
                zones = published(zones, fix, checks[0].fixes)
        ips = scenario.subject.relay_ips or OF_MAILJET
        results = [asyncio.run(evaluated(served.address, ip)).result for ip in ips]

    assert not wrong_of(checks)
    assert set(results) == {"pass"} or "spf_too_many_lookups" in checks[0].reasons
