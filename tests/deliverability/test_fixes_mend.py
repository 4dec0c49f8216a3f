"""Whoever publishes exactly what a report proposes has mended what it complains of."""

from __future__ import annotations

import asyncio

import pytest

from portal.deliverability.asking import Asking
from portal.deliverability.mx import check_mx
from portal.deliverability.spf.judging import check_spf
from portal.net.records import NameServers
from tests.deliverability.scenario import ALL
from tests.net.zones import Zones

# No record can be proposed for these: what to give up is not for us to say.
OPEN = {
    *("spf_too_many_lookups", "spf_lookups_near_limit", "spf_large"),
    *("spf_ptr_mechanism", "spf_ok", "mx_ok"),
    *("dns_timeout", "dns_servfail", "dns_refused"),
}
ROUNDS = 3  # a record that could not be read may have more wrong than that


async def asked(subject, address):
    servers = NameServers(address, timeout_s=0.8, rounds=1)
    async with Asking(servers, patience_s=3) as asking:
        return await asyncio.gather(
            check_spf(asking, subject), check_mx(asking, subject)
        )


def published(zones, fix, fixes):
    """The zones with this record in place of what it replaces: of hosts for mail all
    that are not among the proposed."""
    apex = max((z for z in zones if f".{fix.name}".endswith(f".{z}")), key=len)
    kept = [
        line
        for line in zones[apex].splitlines()
        if line.strip() and not is_replaced(line, apex, fix, fixes)
    ]
    value = fix.value if fix.type == "TXT" else f"{fix.value}."
    parts = [value[at : at + 250] for at in range(0, len(value), 250)]
    text = " ".join(f'"{part}"' for part in parts) if fix.type == "TXT" else value
    return zones | {apex: "\n".join([*kept, f"{fix.name}. {fix.type} {text}"])}


def is_replaced(line, apex, fix, fixes):
    label, kind, value = line.split(None, 2)
    name = apex if label == "@" else f"{label}.{apex}"
    if fix.name not in (name, label.rstrip(".")):
        return False
    if "CNAME" in (kind, fix.type):
        return True
    if kind == "MX":
        kept = [f"{each.value}." for each in fixes]
        return fix.type == "MX" and value not in kept
    return kind == fix.type and "v=spf1" in value.lower().replace('" "', "")


def wrong_of(checks):
    return {
        reason
        for check in checks
        if check.status != "info"
        for reason in check.reasons
        if reason not in OPEN
    }


# Where the setting of the return path has to change as well.
SET_WRONG = "resend: From itself told as the return path, with nothing there"


@pytest.mark.parametrize(
    "scenario",
    [
        each
        for each in ALL
        if each.domain.endswith("shop.example") and each.name != SET_WRONG
    ],
    ids=lambda each: each.name,
)
def test_what_is_proposed_mends(scenario):
    zones = scenario.served
    for _ in range(ROUNDS):
        with Zones(zones) as served:
            checks = asyncio.run(asked(scenario.subject, served.address))
        fixes = [fix for check in checks for fix in check.fixes]
        names = [(fix.name, fix.type, fix.type == "MX" and fix.value) for fix in fixes]
        assert len(set(names)) == len(names), "at most one record a name"
        if not fixes or any("{" in fix.name + fix.value for fix in fixes):
            return  # the rest is in the provider's console
        for fix in fixes:
            zones = published(zones, fix, fixes)

    assert not wrong_of(checks)
    assert not fixes
