"""Faults 6 and 8: `kill -9` before and behind every single commit.

A commit is a sync of the database's files, which the shim counts.
"""

from __future__ import annotations

import dataclasses
import shutil
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from portal.config import Settings
from portal.store import database as store
from portal.store import migrating
from tests.faults.household import LIMITS, QUICK, House, house
from tests.faults.invariants import holds, unsettled
from tests.faults.shim import Shim

pytestmark = pytest.mark.timeout(3600)
ENOUGH = 400  # no start and no few mails need so many commits
SETTLE_S = 30
TO = ("kept@example.com", "refused@example.com", "later@example.com")


@pytest.mark.parametrize("side", ["kill_before", "kill_after"])
def test_every_commit_of_a_mails_life(
    shimmed, moody, settings, instance_template, tmp_path, size, told, side
):
    """Fault 6: the start, three mails that are accepted, claimed, marked, refused in
    part, deferred and sent. In CI every third number on each side."""
    relay = moody(refuse=frozenset({"refused@example.com"}), pause_s=0)
    step, number, kills = size(3, 1), 1 + (side == "kill_after"), 0
    while number < ENOUGH:
        folder = tmp_path / f"{side}-{number}"
        shutil.copytree(instance_template, folder / "instance")
        here = dataclasses.replace(settings, instance=folder / "instance")
        home = house(here, relay_port=relay.port)
        relay.copies.clear()
        relay.defer.add("later@example.com")
        if not killed_at(shimmed, home, side, number):
            break
        kills += 1
        holds(home, relay)
        shutil.rmtree(folder)
        number += step
    assert kills > 3
    where = side.replace("_", " ")
    told(6, f"{where} commits 1 to {number - step}, every {step}", f"{kills} kills, ok")


def killed_at(shimmed, home: House, side: str, number: int) -> bool:
    """One life with its death, then one without; whether it died at all."""
    shim = Shim(home.folder, home.settings.instance)
    shim[side] = number
    posting = threading.Thread(target=post_three, args=(home,), daemon=True)
    child = born(shimmed, home, shim)
    posting.start()
    ends_at = time.monotonic() + SETTLE_S
    died = False
    while posting.is_alive() or unsettled(home):
        assert time.monotonic() < ends_at, child.said[-3000:]
        if not died and child.has_ended():
            died = True
            assert child.wait() == -signal.SIGKILL, child.said[-3000:]
            shim.clear()
            child = born(shimmed, home, shim)
        time.sleep(0.01)
    if not child.has_ended():
        home.until_ready(child)
    code = child.stop()
    if not died and code == -signal.SIGKILL:  # in what it writes at its end
        return True
    assert code == 0, child.said[-3000:]
    return died


def born(shimmed, home: House, shim: Shim):
    return shimmed.bear(
        "serve",
        home.folder,
        env=home.env | shim.environment,
        timing=QUICK,
        limits=LIMITS,
        port=home.port,
    )


def post_three(home: House) -> None:
    for number in range(3):
        home.post_until_accepted(f"mail-{number}", to=list(TO[: number + 1]))


def test_every_commit_of_a_migration(shimmed, tmp_path, told):
    """Fault 8: each number until none is left; all rows as they were, and the next
    start brings the schema up."""
    old = tmp_path / "old"
    aged(old)
    before = contents(old)
    kills = 0
    for side in ("kill_before", "kill_after"):
        for number in range(1, ENOUGH):
            folder = tmp_path / f"{side}-{number}"
            shutil.copytree(old, folder)
            shim = Shim(tmp_path, folder)
            shim[side] = number
            died = migrated(shimmed, folder, shim)
            assert contents(folder) == before
            shim.clear()
            assert not migrated(shimmed, folder, shim)
            assert schema(folder) == schema_of_today(tmp_path)
            assert contents(folder) == before
            shutil.rmtree(folder)
            if not died:
                break
            kills += 1
    assert kills > 2 * len(list(migrating.DIRECTORY.glob("0*.py")))
    told(8, f"{kills} kills at each commit of a migration", "old or new, rows equal")


def aged(folder: Path) -> None:
    """An instance as the first version made it, with a few rows."""
    database = store.attach(Settings(instance=folder))
    with store.connection():
        Runner(database, str(migrating.DIRECTORY)).up("0001_people")
        for number in range(20):
            database.execute_sql(
                "INSERT INTO person (public_id, email, name, password_hash,"
                " is_operator, created_at) VALUES (?, ?, 'Kim', 'x', 0, 1)",
                (f"{number:032x}", f"kim{number}@example.org"),
            )
    store.detach()


def migrated(shimmed, folder: Path, shim: Shim) -> bool:
    """One try; whether it was killed."""
    child = shimmed.bear(
        "migrate",
        folder.parent,
        env=shim.environment,
        instance=str(folder),
        url=None,
    )
    code = child.wait()
    assert code in (0, -signal.SIGKILL), child.said[-3000:]
    return code != 0


def contents(folder: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "portal.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute(
            "SELECT public_id, email, name, password_hash FROM person ORDER BY id"
        ).fetchall()
    database.close()
    return rows


def schema(folder: Path) -> set[str]:
    with sqlite3.connect(folder / "portal.db") as database:
        rows = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    database.close()
    return {repr(row) for row in rows}


def schema_of_today(tmp_path: Path) -> set[str]:
    folder = tmp_path / "today"
    if not folder.exists():
        database = store.attach(Settings(instance=folder))
        store.migrate(database)
        store.detach()
    return schema(folder)
