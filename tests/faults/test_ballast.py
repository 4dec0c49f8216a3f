"""Fault 36, on: a disk that stays full, and one that was damaged meanwhile."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.household import LIMITS, QUICK
from tests.faults.household import house as build
from tests.faults.invariants import holds, rows_of, unsettled
from tests.faults.test_database import served, until
from tests.faults.test_disk import fill, small  # noqa: F401, a fixture

pytestmark = pytest.mark.timeout(600)
PATIENCE_S = 20


def state_of(folder: Path) -> list[str]:
    """Read without writing a byte, as the disk is full."""
    with closing(sqlite3.connect(folder / "portal.db", timeout=5)) as database:
        rows = database.execute("SELECT state FROM recipient ORDER BY id")
        return [row[0] for row in rows]


def test_results_are_written_on_a_full_disk(cradle, small, settings, moody, told):  # noqa: F811
    """Fault 36: the reserve is used up by what relays have answered, by nothing
    else; it is back when there is room."""
    relay = moody(pause_s=1)
    folder = small  # and the log lies beside it, where there is room
    shutil.copytree(settings.instance, folder, dirs_exist_ok=True)
    house = build(dataclasses.replace(settings, instance=folder), relay_port=relay.port)
    child = served(cradle, house)
    ballast = folder / "ballast"
    until(ballast.exists, child)
    assert [house.post(f"under-way-{number}") for number in range(3)] == [202] * 3
    assert relay.one_more(PATIENCE_S)

    filler = fill(small)
    refused, answer = house.ask(
        "POST", "/send", {"to": "a@example.com", "subject": "s", "text": "t"}
    )
    until(lambda: state_of(folder) == ["sent"] * 3, child)
    gone, ready = not ballast.exists(), house.ask("GET", "/readyz")
    until(lambda: "no mail is accepted" in child.said, child)
    filler.unlink()
    until(ballast.exists, child)
    until(house.is_ready, child)
    assert house.post("afterwards") == 202
    until(lambda: unsettled(house) == 0, child)

    assert child.stop() == 0
    assert (refused, gone) == (503, True)
    assert "nearly full" in answer["detail"]
    assert (ready[0], ready[1]["checks"]["database"]) == (503, "no room")
    assert "its reserve is used for results" in child.said
    assert "below 200 MB no mail is accepted" in child.said
    assert "the disk has room again" in child.said
    found = holds(house, relay)
    assert (found.states, found.extra) == ({"sent": 4}, 0)
    told(36, "a disk that stays full", "results written by the reserve, 503 to others")


def test_a_damaged_file_is_not_served(cradle, home, moody, told):
    """Killed, and the disk has lost a page meanwhile: it does not start on it."""
    relay = moody()
    house = home(relay)
    child = served(cradle, house)
    assert house.post("before") == 202
    until(lambda: unsettled(house) == 0, child)
    child.kill()
    whole = served(cradle, house)
    whole.signal(signal.SIGKILL)
    whole.wait()
    file = house.settings.instance / "portal.db"
    copy = file.read_bytes(), file.with_name("portal.db-wal").read_bytes()
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [[page]] = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'recipient'"
        )
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 4096)

    refused = cradle.bear(
        "serve",
        house.folder,
        env=house.env,
        timing=QUICK,
        limits=LIMITS,
        port=house.port,
    )
    ended = refused.wait(PATIENCE_S)
    said = refused.said
    file.write_bytes(copy[0])
    file.with_name("portal.db-wal").write_bytes(copy[1])
    child = served(cradle, house)

    assert child.stop() == 0
    assert ended != 0
    assert f"{file} is damaged" in said
    assert said.count("the database is whole") == 1
    assert [row.state for row in rows_of(house)] == ["sent"]
    assert not file.with_name("portal.db.open").exists()
    told(39, "a page of the database damaged", "checked after the kill, not served")
