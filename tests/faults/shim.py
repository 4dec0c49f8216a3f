"""The test's side of `shim.c`: a file of numbers that the suffering process maps."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
# In the order of `struct control`.
FIELDS = (
    "syncs",
    "kill_before",
    "kill_after",
    "write_errno",
    "halves",
    "sync_errno",
    "failed",
    "clock_s",
)


def build(folder: Path) -> Path | None:
    """The library; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library


class Shim:
    """`shim["write_errno"] = errno.ENOSPC`, and every write to `folder` fails."""

    def __init__(self, place: Path, folder: Path, *, log: bool = False) -> None:
        self._path = place / "faults.control"
        self._path.write_bytes(bytes(8 * len(FIELDS)))
        with self._path.open("r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), 0)
        self.log = place / "faults.log" if log else None
        self.environment = {
            "FAULTS_CONTROL": str(self._path),
            "FAULTS_FOLDER": os.path.realpath(folder),
        }
        if self.log is not None:
            self.environment["FAULTS_LOG"] = str(self.log)

    def __getitem__(self, name: str) -> int:
        value: int = struct.unpack_from("q", self._numbers, self._offset(name))[0]
        return value

    def __setitem__(self, name: str, value: int) -> None:
        struct.pack_into("q", self._numbers, self._offset(name), value)

    def clear(self) -> None:
        for name in FIELDS:
            self[name] = 0

    def _offset(self, name: str) -> int:
        return 8 * FIELDS.index(name)
