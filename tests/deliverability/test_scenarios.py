"""Each scenario's report says what it is expected to say."""

from __future__ import annotations

import asyncio

import pytest

from portal.deliverability.report import report
from portal.net.records import NameServers
from portal.net.types import NetFailure, NetTrouble
from tests.deliverability.scenario import ALL
from tests.net.zones import Zones


async def nobody(url):
    return NetFailure(trouble=NetTrouble.REFUSED, words="refused")


@pytest.fixture(scope="module")
def server():
    with Zones({}) as served:
        yield served


def reported(scenario, server):
    server.publish(scenario.served)
    server.authenticated = scenario.signed
    servers = NameServers(server.address, timeout_s=0.8, rounds=1)
    return asyncio.run(report(scenario.subject, servers, nobody))


def differences(check, expected):
    """What of `status reason reason…` does not hold."""
    if check is None:
        return [] if expected == "absent" else ["absent"]
    status, *reasons = expected.split()
    wrong = [] if check.status == status else [f"is {check.status}"]
    if reasons and check.reasons[0] != reasons[0]:
        wrong.append(f"begins with {check.reasons[0]}")
    return wrong + [each for each in reasons if each not in check.reasons]


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_a_domain_is_judged_for_its_sender(server, scenario):
    found = reported(scenario, server)

    by_name = {check.check.value: check for check in found.checks}
    wrong = {
        name: (differences(by_name.get(name), expected), by_name.get(name))
        for name, expected in scenario.expect.items()
        if differences(by_name.get(name), expected)
    }
    assert not wrong
    told = {c.check.value: (c.status.value, c.reasons) for c in found.checks}
    assert found.status == scenario.status, told
    fixes = [
        f"{fix.type} {fix.host} {fix.value}"
        for check in found.checks
        for fix in check.fixes
    ]
    assert set(scenario.fixes) <= set(fixes), fixes
    assert not (scenario.no_fixes and fixes)


def test_there_are_enough_of_them_and_half_are_nasty():
    nasty = [each for each in ALL if each.status != "pass"]
    providers = {each.provider for each in ALL if each.provider}

    assert len(ALL) >= 60
    assert len(nasty) >= len(ALL) / 2
    assert len(providers) >= 15
    assert len({each.name for each in ALL}) == len(ALL)
