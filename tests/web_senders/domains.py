"""A sender whose domain is served on loopback, for the tab that judges it."""

from __future__ import annotations

import dataclasses
import ipaddress

import pytest

from portal.config import AllowRule
from tests.domains.conftest import run_checks, shop
from tests.net.zones import Zones
from tests.web_senders.conftest import BASE

__all__ = ["dns", "installation", "run_checks", "settings", "shop", "tab"]


@pytest.fixture
def dns(zones) -> Zones:
    """`dns.publish(zone(…))` changes what the world sees."""
    return zones({})


@pytest.fixture
def settings(settings, dns):
    loopback = AllowRule(network=ipaddress.ip_network("127.0.0.0/8"))
    return dataclasses.replace(
        settings, dns=dns.address, relay_allow=(loopback,), limits=False
    )


@pytest.fixture
def installation(installation, dns):
    """Name servers of zones listen where the one of the tests does."""
    return dataclasses.replace(installation, name_server_port=dns.address[1])


@pytest.fixture
def tab(shop) -> str:
    """Where the tab of a sender through Postmark is."""
    return f"{BASE}/{shop()}/deliverability"
