"""The room on the disk of the queue: how much must be free, and a reserve of it.

Nothing is remembered of it, since others write there too.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from portal.store.engines import FILE

MIB = 1024 * 1024
BALLAST = "ballast"
LONG_LOG_BYTES = 256 * MIB  # it is 4 MB where nobody hinders it


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Free space below which a thing is no longer done."""

    accept_bytes: int = 200 * MIB
    accept_share: float = 0.05  # of the whole file system; the higher floor counts,
    share_at_most_bytes: int = 2048 * MIB  # but nobody needs 5 % of a large disk
    claim_bytes: int = 50 * MIB  # results need room, too
    ballast_bytes: int = 8 * MIB


FLOORS = Floors()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Of the instance folder; `folder` is None where a server keeps the queue and
    looks after its own disk."""

    folder: Path | None
    floors: Floors

    @property
    def free_bytes(self) -> int | None:
        return shutil.disk_usage(self.folder).free if self.folder else None

    @property
    def accept_floor_bytes(self) -> int:
        if self.folder is None:
            return 0
        share = self.floors.accept_share * shutil.disk_usage(self.folder).total
        share = min(int(share), self.floors.share_at_most_bytes)
        return max(self.floors.accept_bytes, share)

    def accepts(self) -> bool:
        free = self.free_bytes
        return free is None or free >= self.accept_floor_bytes

    def claims(self) -> bool:
        free = self.free_bytes
        return free is None or free >= self.floors.claim_bytes

    def log_bytes(self) -> int:
        """The size of the write-ahead log."""
        if self.folder is None:
            return 0
        try:
            return (self.folder / f"{FILE}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def has_ballast(self) -> bool:
        """A file of no use but to be removed: then there is room for results."""
        if self.folder is None or not self.floors.ballast_bytes:
            return True
        try:
            size = (self.folder / BALLAST).stat().st_size
        except FileNotFoundError:
            return False
        return size == self.floors.ballast_bytes

    def take_ballast(self) -> bool:
        """Whether it lies there now. It is made only where mail is accepted beside
        it, so that it comes and goes once a full disk."""
        free = self.free_bytes
        if self.folder is None or free is None or self.has_ballast():
            return True
        size = self.floors.ballast_bytes
        if free - size < self.accept_floor_bytes:
            return False
        path = self.folder / BALLAST
        try:
            _write(path, size)
        except OSError:
            path.unlink(missing_ok=True)
            return False
        return True

    def drop_ballast(self) -> bool:
        """Whether it was there."""
        if self.folder is None:
            return False
        try:
            (self.folder / BALLAST).unlink()
        except FileNotFoundError:
            return False
        return True


def _write(path: Path, size: int) -> None:
    """Noise: a file system that compresses gives zeros no room."""
    noise = os.urandom(min(size, MIB))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as file:
        left = size
        while left:
            left -= file.write(noise[:left])
