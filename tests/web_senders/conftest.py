"""A browser's form, people who send it, and an engine that runs what they start."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from portal.config import AllowRule, Settings
from portal.engine.live_tests import LiveTests
from portal.services.installation import Installation
from tests.browsing import Visitor
from tests.web_senders.live import QUICK
from tests.web_senders.windows import new_page

__all__ = ["new_page"]  # a fixture of all files here

SECRET = "Zyx-wvu-9876-tsr"
BASE = "/t/acme-inc/senders"
NEW = f"{BASE}/new/generic_smtp"
START = f"{BASE}/test"
FORM = {
    "provider": "generic_smtp",
    "name": "Acme relay",
    "host": "127.0.0.1",
    "port": "2525",
    "security": "none",
    "auth": "none",
    "from_name": "Acme",
    "from_address": "kim@example.org",
    "max_connections": "4",
    "on_lost_reply": "retry",
}
SIGNED_IN = {
    "security": "starttls",
    "auth": "password",
    "username": "kim",
    "password": SECRET,
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Relays on loopback are allowed, as an operator allows an own Postfix."""
    rule = AllowRule(network=ip_network("127.0.0.0/8"))
    return dataclasses.replace(
        settings, relay_allow=(rule,), egress_ips=("198.51.100.24",), limits=False
    )


@pytest.fixture
def form() -> Callable[..., dict[str, str]]:
    """`form(port=465)`; a None leaves a field out."""

    def build(**changes: object) -> dict[str, str]:
        values = {**FORM, **changes}
        return {name: str(each) for name, each in values.items() if each is not None}

    return build


@pytest.fixture
def run_tests(installation: Installation) -> Callable[..., None]:
    """Run what waits, as an engine does, until all of it has ended."""

    def run(here: Installation = installation) -> None:
        async def look() -> None:
            with ThreadPoolExecutor(1) as threads:
                tests = LiveTests(
                    here, "test", threads, limits=QUICK, probe_limits=QUICK
                )
                await tests.look()
                await tests.stop(30)

        asyncio.run(look())

    return run


@pytest.fixture
def saved(as_admin: Visitor, form) -> Callable[..., str]:
    """`saved(port=2526)`: the address of a sender that was saved in the browser."""

    def save(*, use: bool = False, **changes: object) -> str:
        then = {"then": "use"} if use else {}
        answer = as_admin.post(NEW, form(**changes, **then))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    return save
