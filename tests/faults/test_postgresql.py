"""Fault 47: the PostgreSQL server ends connections, restarts, or crashes."""

from __future__ import annotations

import dataclasses
import itertools
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest

from portal.app import build_installation
from portal.store import database as store
from tests import postgres
from tests.faults.household import house as build
from tests.faults.invariants import holds, unsettled
from tests.faults.test_kills import begin, until_busy

pytestmark = [pytest.mark.timeout(3600), pytest.mark.xdist_group("postgresql-ends")]
PATIENCE_S = 20


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """One that no other test needs."""
    where = postgres.binaries()
    if where is None:
        pytest.skip("There is no PostgreSQL: install Debian's package postgresql.")
    made = postgres.Server(where)
    try:
        made.start()
        yield made
    finally:
        made.stop(signal.SIGINT)
        made.remove()


def ends_connections(server: postgres.Server) -> None:
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def restarts(server: postgres.Server) -> None:
    server.stop(signal.SIGINT)
    server.start()


def crashes(server: postgres.Server) -> None:
    server.stop(signal.SIGQUIT)
    server.start()


EVENTS: tuple[Callable[[postgres.Server], None], ...] = (
    ends_connections,
    restarts,
    crashes,
)


def test_server_ends_connections_restarts_and_crashes(
    cradle, settings, server, moody, size, told
):
    """While clients post and mail leaves: nothing accepted is lost, and the portal
    finds the server again by itself."""
    relay, rounds = moody(pause_s=0.02), size(2, 50) * len(EVENTS)
    settings = dataclasses.replace(settings, database_url=server.url)
    build_installation(settings).writer.close()
    store.detach()
    house = build(settings, relay_port=relay.port)
    child = begin(cradle, house, "serve")
    until_busy(house, child)

    with house.clients(3):
        for event in itertools.islice(itertools.cycle(EVENTS), rounds):
            assert relay.one_more(PATIENCE_S), child.said[-3000:]
            event(server)
            assert relay.one_more(PATIENCE_S), child.said[-3000:]
    while unsettled(house):  # a backlog, as long as it moves
        came = relay.one_more(PATIENCE_S) or unsettled(house) == 0
        assert came, child.said[-3000:]

    assert child.stop() == 0, child.said[-3000:]
    found = holds(house, relay)
    assert set(found.states) <= {"sent", "uncertain"}
    told(47, f"PostgreSQL: {rounds} × ended, restarted, crashed", found.line())
