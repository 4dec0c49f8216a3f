"""Faults 38 and 39: the database file is held, shut, removed or replaced."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.cli.process import UNSETTLED
from portal.services.outbox.timing import Timing
from tests.faults.household import LIMITS, QUICK, House
from tests.faults.invariants import holds, rows_of, unsettled
from tests.faults.shim import Shim

pytestmark = pytest.mark.timeout(600)
PATIENCE_S = 20


def until(holds: Callable[[], bool], child) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends_at, child.said[-3000:]
        time.sleep(0.02)


def served(cradle, house: House, *, timing: Timing = QUICK, **env: str):
    child = cradle.bear(
        "serve",
        house.folder,
        env=house.env | env,
        timing=timing,
        limits=LIMITS,
        port=house.port,
    )
    house.until_ready(child)
    return child


@pytest.mark.xdist_group("lock")
def test_lock_held_by_another_process(cradle, home, moody, size, told):
    """Fault 38: whoever posts waits or is told 503, nobody gets a 500, and what was
    accepted is sent. In CI 3 s; in full as long as nobody waits for."""
    relay, held_s = moody(), size(3, 50)
    house = home(relay)
    child = served(cradle, house)
    for number in range(5):
        house.post(f"before-{number}")
    other = sqlite3.connect(
        house.settings.instance / "portal.db", isolation_level=None, timeout=5
    )
    other.execute("BEGIN IMMEDIATE")

    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(house.post, f"during-{n}") for n in range(6)]
        page = pool.submit(house.ask, "GET", "/readyz")
        time.sleep(held_s)
        other.execute("ROLLBACK")
        other.close()
        statuses = [post.result() for post in posts]
        assert page.result()[0] == 200

    assert set(statuses) <= ({202, 503} if held_s > 40 else {202})
    until(lambda: unsettled(house) == 0, child)
    assert child.stop() == 0
    found = holds(house, relay)
    assert found.extra == 0
    assert set(found.states) == {"sent"}
    waited = f"{statuses.count(202)} waited, {statuses.count(503)} were told 503"
    told(38, f"the lock held for {held_s} s", f"{waited}, 0 errors; lost 0, extra 0")


def removed(file: Path) -> None:
    file.unlink()


def replaced(file: Path) -> None:
    """By a copy, as a careless restore does it."""
    shutil.copy(file, file.with_name("copy"))
    file.with_name("copy").replace(file)


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def without_log(file: Path) -> None:
    file.with_name(f"{file.name}-wal").unlink()


@pytest.mark.parametrize("happens", [removed, replaced, moved, without_log])
def test_file_is_not_what_was_opened(cradle, home, moody, told, happens):
    """Fault 39: no 202 for what is written into the void; it stops, and loudly."""
    relay = moody(pause_s=0.2)
    house = home(relay)
    child = served(cradle, house)
    accepted: list[int] = []
    over = threading.Event()

    def post_on() -> None:
        number = 0
        while not over.is_set():
            try:
                accepted.append(house.post(f"after-{number}"))
            except OSError:
                return
            number += 1

    assert house.post("before") == 202
    happens(house.settings.instance / "portal.db")
    client = threading.Thread(target=post_on)
    client.start()
    ended = child.wait(PATIENCE_S)
    over.set()
    client.join(PATIENCE_S)

    assert ended == UNSETTLED, child.said[-3000:]
    assert 202 not in accepted
    [line] = re.findall(r"CRITICAL .*", child.said)
    assert "was removed or replaced" in line
    name = happens.__name__.replace("_", " ")
    told(39, f"the database file {name}", "one loud line, exit 1, no 202 behind it")


def test_idle_portal_notices_too(cradle, home, moody):
    """Nobody writes: it is found by looking."""
    house = home(moody())
    child = served(cradle, house)

    removed(house.settings.instance / "portal.db")

    assert child.wait(PATIENCE_S) == UNSETTLED


def test_file_that_is_read_only(shimmed, home, moody, told):
    """Fault 39: every write is refused (EROFS). Nothing is accepted or claimed, what
    the relay has answered is recorded when it can be, and each refusal is logged."""
    relay = moody(pause_s=1)
    house = home(relay)
    shim = Shim(house.folder, house.settings.instance)
    child = served(shimmed, house, **shim.environment)
    assert house.post("under-way") == 202
    assert relay.one_more(PATIENCE_S)

    shim["write_errno"] = errno.EROFS
    refused = [house.post(f"refused-{number}") for number in range(3)]
    time.sleep(1.5)  # the answer to the dot comes, and cannot be written
    said = child.said
    assert [row.state for row in rows_of(house)] == ["sending"]
    shim.clear()
    until(lambda: unsettled(house) == 0, child)
    assert house.post("afterwards") == 202
    until(lambda: len(rows_of(house)) == 2 and unsettled(house) == 0, child)

    assert child.stop() == 0
    assert refused == [503] * 3
    assert "a result is not written yet" in said
    assert "was not committed" in said
    found = holds(house, relay)
    assert found.states == {"sent": 2}
    assert found.extra == 0
    told(
        39, "a read-only file (EROFS)", "503, nothing claimed, logged; sent 2, extra 0"
    )
