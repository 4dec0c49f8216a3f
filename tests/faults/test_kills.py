"""Faults 1 to 3 and 49: `kill -9` at any moment loses nothing that was answered 202.

In CI 200 kills; FAULTS=full makes it 10,000, FAULTS_KILLS any number.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from tests.faults.cradle import Child, Cradle
from tests.faults.household import LIMITS, QUICK, House, inhabited
from tests.faults.invariants import Found, holds, unsettled
from tests.faults.moody import KEEPING, Moody

pytestmark = pytest.mark.timeout(36_000)
CLIENTS = 4
SETTLE_S = 120
# A lane has four connections; each holds one mail between dot and answer.
IN_FLIGHT = 4


@pytest.fixture
def kills(size) -> Callable[[int], int]:
    """So many of a hundred parts of the whole loop."""
    whole = int(os.environ.get("FAULTS_KILLS", size(200, 10_000)))
    return lambda share: max(whole * share // 100, 3)


def begin(cradle: Cradle, house: House, work: str) -> Child:
    words = {"port": house.port} if work == "serve" else {}
    return cradle.bear(
        work, house.folder, env=house.env, timing=QUICK, limits=LIMITS, **words
    )


def settle(cradle: Cradle, house: House) -> None:
    """Until nothing waits and no retry is to come; then it stops in order."""
    child = begin(cradle, house, "worker")
    child.until_awake()
    ends_at = time.monotonic() + SETTLE_S
    while unsettled(house):
        assert time.monotonic() < ends_at, child.said[-3000:]
        time.sleep(0.1)
    assert child.stop() == 0, child.said[-3000:]


def until_busy(house: House, child: Child) -> None:
    """Until its port answers; a kill before that is worth little."""
    ends_at = time.monotonic() + 60
    while not house.is_ready():
        assert time.monotonic() < ends_at, child.said
        time.sleep(0.005)


def told_of(found: Found, kills: int, seed: int, *, more: int = 0) -> str:
    assert found.extra <= kills * IN_FLIGHT + more
    return f"{len(found.rows)} accepted, {found.line()} (seed {seed})"


@pytest.mark.xdist_group("kills-web")
def test_web_killed_while_clients_post(cradle, home, moody, kills, seed, told):
    """Fault 1: the one process of web and engine."""
    relay, dice, count = moody(), random.Random(seed), kills(30)
    house = home(relay)

    with house.clients(CLIENTS):
        for _ in range(count):
            child = begin(cradle, house, "serve")
            until_busy(house, child)
            # Anywhere within the life of some mails.
            time.sleep(dice.uniform(0, 0.08))
            child.kill()
        last = begin(cradle, house, "serve")
        until_busy(house, last)
    last.stop()
    settle(cradle, house)

    found = holds(house, relay)
    assert len(house.accepted) >= count
    told(1, f"{count} × kill -9 of web and engine", told_of(found, count, seed))


@pytest.mark.xdist_group("kills-worker")
def test_worker_killed_while_it_sends(cradle, home, moody, kills, seed, told):
    """Fault 2: a queue that a worker empties between its deaths."""
    relay, dice, count = moody(), random.Random(seed), kills(70)
    house = home(relay)
    queue(house, 8 * count)

    for _ in range(count):
        child = begin(cradle, house, "worker")
        relay.one_more(1)
        time.sleep(dice.uniform(0, 0.04))
        child.kill()
    settle(cradle, house)

    found = holds(house, relay)
    told(2, f"{count} × kill -9 of a worker", told_of(found, count, seed))


def queue(house: House, mails: int, prefix: str = "queued") -> None:
    with inhabited(house.settings) as make:
        for number in range(mails):
            subject = f"{prefix}-{number}"
            message = make.message(
                house.tenant, to=(f"{subject}@example.com",), subject=subject
            )
            house.accepted[subject] = message.message_id


@pytest.mark.xdist_group("kills-both")
@pytest.mark.usefixtures("both_databases")
def test_both_killed_while_the_relay_misbehaves(
    cradle, home, moody, kills, seed, told, both_databases
):
    """Fault 3: web and worker on one database, and a relay in every mood."""
    relay, dice, count = moody(share=0.4, seed=seed), random.Random(seed), kills(8)
    house = home(relay)
    works = ("serve", "worker")

    with house.clients(2, kind="otp"):
        running = {work: begin(cradle, house, work) for work in works}
        for _ in range(count):
            until_busy(house, running["serve"])
            time.sleep(dice.uniform(0, 0.2))
            work = dice.choice(works)
            running[work].kill()
            running[work] = begin(cradle, house, work)
        until_busy(house, running["serve"])
    for child in running.values():
        child.stop()
    relay.share = 0
    settle(cradle, house)

    found = holds(house, relay)
    moods = f"{sum(relay.met.values())} moods of {len(relay.met)} kinds"
    injected = f"{count} × kill -9 of web or worker ({both_databases}), {moods}"
    told(3, injected, told_of(found, count, seed, more=extra_by(relay)))


def extra_by(relay: Moody) -> int:
    """Copies that the relay's own silence behind the dot may cost."""
    return sum(relay.met[mood] for mood in KEEPING)
