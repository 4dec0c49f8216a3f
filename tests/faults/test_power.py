"""Fault 40: the power is cut; what was not synced is gone."""

from __future__ import annotations

import dataclasses
import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.household import House
from tests.faults.invariants import holds
from tests.faults.power import Disk, deeds
from tests.faults.shim import Shim
from tests.faults.test_database import served
from tests.faults.test_kills import settle

pytestmark = pytest.mark.timeout(3600)


def test_power_is_cut(shimmed, home, moody, tmp_path, size, seed, told):
    """At each of many moments of one run: every mail that was acknowledged before it
    is there, and so is the mark of each dot that the relay had seen."""
    relay = moody(pause_s=0.002)
    house = home(relay)
    shim = Shim(house.folder, house.settings.instance, log=True)
    assert shim.log
    relay.note = log_size = lambda: shim.log.stat().st_size
    disk = Disk.of(house.settings.instance)
    acknowledged: dict[str, int] = {}  # by Message-ID: the log's end at its 202
    child = served(shimmed, house, **shim.environment)
    ends_at, number = time.monotonic() + size(2, 60), 0
    while time.monotonic() < ends_at:
        assert house.post(f"mail-{number}", kind="otp") == 202
        acknowledged[house.accepted[f"mail-{number}"]] = log_size()
        number += 1
    child.kill()

    every = list(deeds(shim.log))
    dice, cuts = random.Random(seed), size(40, 1000)
    chosen = set(dice.sample(range(len(every)), min(cuts, len(every))))
    for index, deed in enumerate(every):
        disk.do(deed)
        if index in chosen:
            folder = tmp_path / "cut"
            folder.mkdir(exist_ok=True)
            disk.leave(folder, dice if index % 2 else None)
            whole_at(folder, deed.ends_at, acknowledged, relay)
            last = deed.ends_at
            shutil.rmtree(tmp_path / "last", ignore_errors=True)
            folder.rename(tmp_path / "last")

    living_on(shimmed, house, tmp_path / "last", last, acknowledged, relay)
    held = f"{len(acknowledged)} acknowledged, all there; every dot has its mark"
    told(40, f"power cut at {len(chosen)} of {len(every)} moments", f"{held} ({seed})")


def whole_at(folder: Path, at: int, acknowledged: dict[str, int], relay) -> None:
    with closing(sqlite3.connect(folder / "portal.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        there = {row[0] for row in database.execute("SELECT message_id FROM message")}
        marked = {
            row[0]
            for row in database.execute(
                "SELECT m.message_id FROM attempt a JOIN message m"
                " ON m.id = a.message_id WHERE a.dot_at IS NOT NULL"
            )
        }
    lost = {key for key, acked_at in acknowledged.items() if acked_at <= at} - there
    assert lost == set()
    copies = [copy for copies in list(relay.copies.values()) for copy in copies]
    assert {copy.message_id for copy in copies if copy.mark <= at} <= marked


def living_on(
    shimmed, house: House, folder: Path, at: int, acknowledged: dict[str, int], relay
) -> None:
    """The portal starts on what was left, and every invariant holds."""
    shutil.copy(house.settings.instance / "master.key", folder)
    for each in folder.glob("*-shm"):
        each.unlink()
    settings = dataclasses.replace(house.settings, instance=folder)
    env = house.env | {"PORTAL_INSTANCE": str(folder)}
    accepted = {
        subject: message_id
        for subject, message_id in house.accepted.items()
        if acknowledged[message_id] <= at
    }
    rest = dataclasses.replace(house, settings=settings, env=env, accepted=accepted)
    for key, copies in list(relay.copies.items()):
        relay.copies[key] = [copy for copy in copies if copy.mark <= at]
        if not relay.copies[key]:
            del relay.copies[key]
    settle(shimmed, rest)
    holds(rest, relay)
