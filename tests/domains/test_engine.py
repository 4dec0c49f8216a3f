"""The engine with the watch in it: checks are made, alerts leave by a real relay."""

from __future__ import annotations

import asyncio
import dataclasses
import email
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.engine.bell import EngineBell
from portal.engine.domains import Domains
from portal.engine.engine import Engine
from portal.services import domains
from portal.services.outbox.timing import Timing
from portal.store.models import DomainCheck
from tests.domains.conftest import GREEN, MAIL, NO_POLICY, PATH, POLICY, zone
from tests.engine.conftest import until

LOOPBACK = AllowRule(network=ip_network("127.0.0.0/8"))


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, relay_allow=(LOOPBACK,))


@pytest.fixture
def installation(installation):
    return dataclasses.replace(installation, bell=EngineBell())


@pytest.fixture
def engine(installation):
    made = Engine(installation, "engine-1", timing=Timing(poll_s=0.02))
    made.start()
    yield made
    made.stop(grace_s=0.2)


def part_of(installation, threads, **more):
    return Domains(installation, "test", threads, **more)


def test_an_alert_and_its_end_leave_by_the_sender_itself(
    engine, shop, owner, dns, sink, both_databases
):
    """Asked for, made, turned, told: all by the running engine."""
    relay = sink()
    sender = shop(host="127.0.0.1", port=relay.port, security="none", auth="none")

    def check():
        asked = domains.start(owner, sender)
        until(lambda: DomainCheck.get(public_id=asked).state == "done")

    for zones in (GREEN, NO_POLICY, GREEN):
        dns.publish(zones)
        check()

    until(lambda: len(relay.mails) == 2)
    subjects = [email.message_from_bytes(m.content)["Subject"] for m in relay.mails]
    assert ["in order again" in each for each in subjects] == [False, True]
    assert {mail.recipients for mail in relay.mails} == {("owner@example.org",)}


def test_rows_come_as_they_are_known(installation, shop, owner, dns):
    """A key that nobody answers for holds up neither the others nor the page."""
    dns.publish(zone(MAIL, POLICY, PATH, "pm._domainkey ! SILENT"))
    sender = shop()
    domains.start(owner, sender)

    async def look():
        with ThreadPoolExecutor(1) as threads:
            part = part_of(installation, threads, patience_s=3)
            await part.look()
            view = domains.view(owner, sender)
            while "mx" not in {each.check for each in view.checks}:
                await asyncio.sleep(0.02)
                view = domains.view(owner, sender)
            await part.stop(0)
            return view

    view = asyncio.run(look())

    assert view.running and view.verdict is None
    assert "DKIM" in view.pending and "SPF" not in view.pending


def test_a_check_that_is_cut_off_is_begun_anew(installation, shop, owner, run_checks):
    """By the next process, or by this one after its restart."""
    sender = shop()
    domains.start(owner, sender)

    async def look():
        with ThreadPoolExecutor(1) as threads:
            part = part_of(installation, threads)
            await part.look()
            await part.stop(0)

    asyncio.run(look())

    assert DomainCheck.get().state == "waiting"
    run_checks()
    assert domains.view(owner, sender).verdict.status == "pass"


def test_the_watch_leaves_a_new_process_alone(installation, shop):
    """It asks for nothing in the first minute, then for what is due."""
    shop()

    async def watch():
        with ThreadPoolExecutor(1) as threads:
            await part_of(installation, threads).watch()
            early = DomainCheck.select().count()
            await part_of(installation, threads, first_watch_s=0).watch()
            return early, DomainCheck.select().count()

    assert asyncio.run(watch()) == (0, 1)
