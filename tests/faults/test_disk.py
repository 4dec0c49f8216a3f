"""Faults 36, 37 and 49: no room, a disk that fails, no memory."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.household import house as build
from tests.faults.invariants import holds, rows_of, unsettled
from tests.faults.shim import Shim
from tests.faults.test_database import served, until
from tests.faults.test_kills import settle

pytestmark = pytest.mark.timeout(600)
MIB = 1024 * 1024
ROOM_MIB = 320  # more than the 200 MB below which nothing is accepted
MEMORY = Path("/sys/fs/cgroup/memory")
PATIENCE_S = 20


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, nearly full as soon as a test says so."""
    where = tmp_path / "small"
    where.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM_MIB}m,mode=700", "tmpfs", where]
    if subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("A small file system cannot be mounted without privileges.")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def fill(where: Path) -> Path:
    """To the last block."""
    filler = where / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(where).free - MIB)
        file.seek(0, os.SEEK_END)
        while file.write(bytes(4096)):
            continue
    assert shutil.disk_usage(where).free == 0
    return filler


def test_disk_that_is_full(cradle, small, settings, moody, told):
    """Fault 36: full at the accept, 503 and no row; full at the claim, nothing is
    claimed; full at the result, it is recorded when there is room."""
    relay = moody(pause_s=1)
    shutil.copytree(settings.instance, small / "instance")
    house = build(
        dataclasses.replace(settings, instance=small / "instance"),
        relay_port=relay.port,
    )
    child = served(cradle, house)
    assert house.post("under-way") == 202
    assert relay.one_more(PATIENCE_S)

    filler = fill(small)
    refused = [house.post(f"refused-{number}") for number in range(3)]
    time.sleep(1.5)
    assert refused == [503] * 3
    filler.unlink()
    until(lambda: unsettled(house) == 0, child)
    assert {row.subject for row in rows_of(house)} == {"under-way"}
    assert house.post("afterwards") == 202
    until(lambda: unsettled(house) == 0, child)

    assert child.stop() == 0
    found = holds(house, relay)
    assert (found.states, found.extra) == ({"sent": 2}, 0)
    told(36, "a full file system at accept and result", "503, no row; results later")


@pytest.mark.parametrize(
    ("says", "faults"),
    [
        ("EIO at every write", {"write_errno": errno.EIO}),
        ("EIO at every sync", {"sync_errno": errno.EIO}),
        ("short writes, then ENOSPC", {"halves": 1, "write_errno": errno.ENOSPC}),
        ("ENOSPC at every write", {"write_errno": errno.ENOSPC}),
    ],
)
def test_disk_that_fails(shimmed, home, moody, told, says, faults):
    """Fault 37 (and 36 again): while mail flows, one second at a time."""
    relay = moody(pause_s=0.05)
    house = home(relay)
    shim = Shim(house.folder, house.settings.instance)
    child = served(shimmed, house, **shim.environment)

    with house.clients(3):
        for _ in range(2):
            assert relay.one_more(PATIENCE_S), child.said[-3000:]
            for name, value in faults.items():
                shim[name] = value
            time.sleep(0.7)
            assert shim["failed"] > 0
            shim.clear()
            assert relay.one_more(PATIENCE_S), child.said[-3000:]
    until(lambda: unsettled(house) == 0, child)

    assert child.stop() == 0
    found = holds(house, relay)
    told(37 if "NOSPC at every" not in says else 36, says, found.line())


@pytest.fixture
def memory() -> Iterator[Path]:
    """A control group whose members may have little memory."""
    group = MEMORY / f"portal-faults-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("A control group for memory cannot be made without privileges.")
    yield group
    group.rmdir()


def test_killed_for_memory(cradle, home, moody, memory, told):
    """Fault 49: the kernel's own kill, as `kill -9`."""
    relay = moody(pause_s=0.02)
    house = home(relay)
    with house.clients(3, text="long " * 40_000):
        child = served(cradle, house)
        (memory / "memory.limit_in_bytes").write_text(str(400 * MIB))
        (memory / "cgroup.procs").write_text(str(child.pid))
        relay.one_more(PATIENCE_S)
        (memory / "memory.limit_in_bytes").write_text(str(24 * MIB))
        ended = child.wait(3 * PATIENCE_S)  # the kernel drops what it can first
        child = served(cradle, house)
    child.stop()
    settle(cradle, house)

    assert ended == -signal.SIGKILL
    found = holds(house, relay)
    told(49, "killed by the kernel for want of memory", found.line())
