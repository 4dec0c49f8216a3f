"""A shop that sends through Postmark, its zone on loopback, and the engine's part."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.crypto.signing import new_key, public_record
from portal.engine.domains import Domains
from portal.services import domains
from tests.net.zones import Zones

KEY = public_record(new_key("rsa"))
HALVES = f'"{KEY[:200]}" "{KEY[200:]}"'
POLICY = '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"'
MAIL = "@ MX 10 mx\nmx A 192.0.2.25"
PATH = "pm-bounces CNAME pm.mtasv.net."
SIGNATURE = f"pm._domainkey TXT {HALVES}"
MTASV = {"mtasv.net": '@ A 192.0.2.9\npm TXT "v=spf1 ip4:192.0.2.0/24 -all"'}


def zone(*lines: str) -> dict[str, str]:
    return {"shop.example": "\n".join(lines), **MTASV}


GREEN = zone(MAIL, POLICY, PATH, SIGNATURE)
NO_POLICY = zone(MAIL, PATH, SIGNATURE)


@pytest.fixture
def dns(zones) -> Zones:
    """`dns.publish(zone(…))` changes what the world sees."""
    return zones(GREEN)


@pytest.fixture
def settings(settings, dns):
    return dataclasses.replace(settings, dns=dns.address)


@pytest.fixture
def shop(make, owner) -> Callable[..., str]:
    """`shop()`: the public id of a sender in use, `shop(active=False)` of another."""

    def made(**more) -> str:
        values = {
            "provider": "postmark",
            "host": "smtp.postmarkapp.com",
            "port": 587,
            "security": "starttls",
            "from_address": "kim@shop.example",
            "dkim": {"selectors": ["pm"]},
        }
        return make.sender(owner.here, **values | more).sender.public_id

    return made


@pytest.fixture
def run_checks(installation) -> Callable[..., None]:
    """Make the checks that wait, as an engine does."""

    def run(patience_s: float = 3.0) -> None:
        async def look() -> None:
            with ThreadPoolExecutor(1) as threads:
                part = Domains(installation, "test", threads, patience_s=patience_s)
                await part.look()
                await part.stop(30)

        asyncio.run(look())

    return run


@pytest.fixture
def checked(run_checks, owner) -> Callable[..., domains.DomainView]:
    """Check a sender now, and what its page shows then."""

    def run(sender_id: str, **more) -> domains.DomainView:
        domains.start(owner, sender_id)
        run_checks(**more)
        return domains.view(owner, sender_id)

    return run
