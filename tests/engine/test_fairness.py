"""Who queued five hundred mails does not stand before who queued one."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass

import pytest

from portal.config import DefaultSender
from portal.store.database import transaction
from tests.engine.conftest import until
from tests.relays.sink import Sink

pytestmark = pytest.mark.usefixtures("both_databases")
MANY = 500
UNDER_WAY = 40  # of the many: what a lane holds when the one comes, and some more


@dataclass
class Slow(Sink):
    """Takes its time, as a relay does; four connections send 200 mails a second."""

    async def handle_DATA(self, server, session, envelope) -> str:
        await asyncio.sleep(0.02)
        return await super().handle_DATA(server, session, envelope)

    def place_of(self, recipient: str) -> int | None:
        """How many came before."""
        found = [mail.recipients[0] for mail in list(self.mails)]
        return found.index(recipient) if recipient in found else None


@pytest.fixture
def relay():
    with Slow() as relay:
        yield relay


@pytest.fixture
def installation(installation, relay):
    default = DefaultSender(
        host=relay.host,
        port=relay.port,
        security="none",
        username=None,
        password=None,
        from_address="noreply@platform.example",
    )
    settings = dataclasses.replace(installation.settings, default_sender=default)
    return dataclasses.replace(installation, settings=settings)


@pytest.fixture(params=["a sender each", "the platform for both"])
def tenants(request, make, relay):
    """On a lane of its own each, or on one that they share."""
    many, one = make.tenant("Many Ltd"), make.tenant("One Ltd")
    if request.param == "a sender each":
        for tenant in (many, one):
            make.sender(tenant, host=relay.host, port=relay.port)
    return many, one


def test_one_mail_is_served_beside_five_hundred(engine, make, relay, tenants):
    """It is found by looking, no bell announces it: as if another process had
    accepted it."""
    many, one = tenants
    with transaction():
        for number in range(MANY):
            make.message(many, to=(f"r{number}@many.example",))
    engine()
    until(lambda: len(relay.mails) >= 20)

    make.message(one, to=("kim@one.example",))
    before = len(relay.mails)
    until(lambda: relay.place_of("kim@one.example") is not None)

    assert relay.place_of("kim@one.example") - before <= UNDER_WAY
    assert before < MANY // 2
