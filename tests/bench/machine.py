"""What the machine says of a process, of its disk, and of itself."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from statistics import median

TICKS = os.sysconf("SC_CLK_TCK")
SHIM = Path(__file__).with_name("fsyncs.c")


def percentile(values: list[float], share: float) -> float:
    """The nearest rank; 0 for nothing."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)]


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def fsync_ms(folder: Path, times: int = 50) -> tuple[float, float]:
    """p50 and p99 of an fdatasync behind 4 KB, here and now."""
    took = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return median(took), percentile(took, 0.99)


class Fsyncs:
    """Counts, and if asked delays, every fsync of a process: a preloaded shim.

    Without a C compiler there is no count.
    """

    def __init__(self, folder: Path, delay_ms: float) -> None:
        self._counter = folder / "fsyncs"
        self.environment: dict[str, str] = {}
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            if delay_ms:
                raise SystemExit("--fsync-ms needs a C compiler (apt install gcc).")
            return
        library = folder / "fsyncs.so"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-o", library, SHIM, "-ldl"],
            check=True,
        )
        self._counter.write_bytes(bytes(8))
        self.environment = {
            "LD_PRELOAD": str(library),
            "BENCH_FSYNCS": str(self._counter),
            "BENCH_FSYNC_US": str(round(delay_ms * 1000)),
        }

    def count(self) -> int | None:
        if not self.environment:
            return None
        number: int = struct.unpack("q", self._counter.read_bytes())[0]
        return number


def versions() -> dict[str, str]:
    named = ("flask", "granian", "peewee", "aiosmtplib")
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: metadata.version(name) for name in named},
    }
