"""Zones on loopback and one check asked of them."""

from __future__ import annotations

import asyncio

import pytest

from portal.deliverability.asking import Asking
from portal.net.records import NameServers
from tests.net.zones import Zones


@pytest.fixture
def checked():
    """`checked(zones, check, subject, …)`: the Check that comes of it."""

    def run(zones, check, *given, patience_s=3.0, **how):
        async def asked(served):
            servers = NameServers(served.address, timeout_s=0.5, rounds=2)
            async with Asking(servers, patience_s=patience_s) as asking:
                return await check(asking, *given)

        with Zones(zones, **how) as served:
            return asyncio.run(asked(served))

    return run
