"""Faults 45, 46 and 48: many want the same at one moment, through two processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from portal.services import quota
from portal.store.models import Attempt, Message, Tenant
from tests.faults.cradle import Child
from tests.faults.household import LIMITS, House, inhabited
from tests.faults.invariants import holds
from tests.faults.racing import STEADY, Answer, at_once, send, until_settled
from tests.faults.test_database import until
from tests.faults.test_kills import queue
from tests.serving import free_port

pytestmark = pytest.mark.timeout(36_000)
CLIENTS = 64
LAST = 10  # units of the quota
WORKERS = 2


@contextlib.contextmanager
def two_portals(cradle, house: House) -> Iterator[tuple[int, int]]:
    """On one database; their ports. Each is web and engine."""
    ports, children = (house.port, free_port()), []
    for port in ports:
        folder = house.folder / f"portal-{port}"
        folder.mkdir()
        child: Child = cradle.bear(
            "serve", folder, env=house.env, timing=STEADY, limits=LIMITS, port=port
        )
        children.append(child)
    for port, child in zip(ports, children, strict=True):
        house.port = port
        house.until_ready(child)
    house.port = ports[0]
    yield ports
    until_settled(house, children[0])
    for child in children:
        assert child.stop() == 0, child.said[-3000:]


@pytest.mark.xdist_group("races-quota")
@pytest.mark.usefixtures("both_databases")
def test_last_units_of_a_quota(cradle, home, moody, size, told, both_databases):
    """Fault 45: exactly so many are accepted as there were left."""
    relay, rounds = moody(), size(4, 100)
    house = home(relay)

    with two_portals(cradle, house) as ports:
        for turn in range(rounds):
            with inhabited(house.settings):
                left = quota.used(house.tenant) + LAST
                Tenant.update(quota=left).where(Tenant.id == house.tenant.id).execute()
            answers = at_once(
                CLIENTS, lambda n, t=turn: _one(house, ports[n % 2], f"{t}-{n}")
            )
            statuses = [answer.status for answer in answers]
            assert statuses.count(202) == LAST, statuses
            assert statuses.count(429) == CLIENTS - LAST, statuses
            assert all(_says_when(each) for each in answers if each.status == 429)

    found = holds(house, relay)
    assert len(found.rows) == rounds * LAST
    assert found.extra == 0
    injected = f"{rounds} × {CLIENTS} clients on the last {LAST} units"
    held = f"exactly {LAST} accepted each time, the others 429; {found.line()}"
    told(45, f"{injected}, two portals ({both_databases})", held)


def _one(house: House, port: int, name: str) -> Answer:
    mail = {"to": f"{name}@example.com", "subject": name, "text": "hi"}
    return send(house, port, mail)


def _says_when(answer: Answer) -> bool:
    return int(answer.headers["retry-after"]) > 0


@pytest.mark.xdist_group("races-key")
@pytest.mark.usefixtures("both_databases")
def test_one_key_from_many_clients(cradle, home, moody, size, told, both_databases):
    """Fault 46: one message, and one answer byte for byte."""
    relay, rounds = moody(), size(4, 100)
    house = home(relay)

    with two_portals(cradle, house) as ports:
        for turn in range(rounds):
            name = f"order-{turn}"
            mail = {"to": f"{name}@example.com", "subject": name, "text": "hi"}

            def repeat(number: int, mail=mail, name=name) -> Answer:
                while True:
                    port = ports[number % 2]
                    answer = send(house, port, mail, Idempotency_Key=name)
                    if answer.status != 409:  # the first still runs: asked again
                        return answer

            answers = at_once(CLIENTS, repeat)
            assert {answer.status for answer in answers} == {202}
            assert len({answer.body for answer in answers}) == 1
            new = [
                each for each in answers if "idempotent-replayed" not in each.headers
            ]
            assert len(new) == 1

    found = holds(house, relay)
    with inhabited(house.settings):
        assert Message.select().count() == rounds
    assert found.extra == 0
    injected = f"{rounds} × one key from {CLIENTS} clients, two portals"
    held = f"1 message and 1 body each time; {found.line()}"
    told(46, f"{injected} ({both_databases})", held)


@pytest.mark.xdist_group("races-workers")
def test_two_workers_on_one_file(cradle, home, moody, size, told):
    """Fault 48: SQLite, two processes that send and one that writes what they send."""
    relay, mails = moody(pause_s=0.002), size(200, 10_000)
    house = home(relay)
    children = []
    for number in range(WORKERS):
        (house.folder / f"worker-{number}").mkdir()
        children.append(
            cradle.bear(
                "worker",
                house.folder / f"worker-{number}",
                env=house.env,
                timing=STEADY,
                limits=LIMITS,
            )
        )
    locks = house.settings.instance.glob
    until(lambda: len(list(locks("engine-*.lock"))) == WORKERS, children[0])

    queue(house, mails)
    until_settled(house, children[0], within_s=size(60, 1200))
    for child in children:
        assert child.stop() == 0, child.said[-3000:]

    found = holds(house, relay)
    assert found.extra == 0
    assert set(found.states) == {"sent"}
    with inhabited(house.settings):
        shares = [
            Attempt.select()
            .where(Attempt.owner == row.owner, Attempt.answer == "kept")
            .count()
            for row in Attempt.select(Attempt.owner).distinct()
        ]
    assert len(shares) == WORKERS
    shared = " and ".join(map(str, shares))
    told(48, f"{WORKERS} workers on one SQLite file", f"{shared} mails, each once")
