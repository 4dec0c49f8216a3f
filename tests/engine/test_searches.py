"""The engine runs searches for a relay beside everything else."""

from __future__ import annotations

import dataclasses

import pytest

from portal.services import searching
from portal.store.models import Search
from tests.engine.conftest import until


@pytest.fixture
def settings(settings, zones, place):
    server = zones({"relay.test": f"@ A {place}"})
    return dataclasses.replace(settings, dns=server.address)


def test_a_search_is_taken_when_it_is_rung_for(
    engine, installation, admin, sink, authority, place
):
    sink(starttls=authority.contexts["good"], host=place, port=2525)
    engine()
    actor = dataclasses.replace(admin, installation=installation)

    search = searching.start(actor, "relay.test")
    until(lambda: searching.read(actor, search).is_final)

    found = searching.read(actor, search).findings
    assert (found.proposal.host, found.proposal.port) == ("relay.test", 2525)


def test_an_engine_that_stops_leaves_no_search_half_done(
    engine, installation, admin, play, place
):
    running = engine()
    actor = dataclasses.replace(admin, installation=installation)
    search = searching.start(actor, "10.255.255.1")
    until(lambda: Search.get().state == "running")

    running.stop(grace_s=0)

    assert searching.read(actor, search).is_final
