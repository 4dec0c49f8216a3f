"""A process that has imported everything and forks portals: a start costs 0.1 s.

A kill loop starts hundreds of them. Each child is a process of its own, with its
own database, threads and sockets, since the cradle opens none.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portal.delivery.types import Limits
from portal.services.outbox.timing import Timing
from tests.faults import lives
from tests.serving import environment

ROOT = Path(__file__).parents[2]
STOP_S = 60
AWAKE_S = 60
_PDEATHSIG = 1


class Cradle:
    """Use it in a `with`; every child ends with it, at the latest."""

    def __init__(self, folder: Path, *, preload: Path | None = None) -> None:
        more = {"LD_PRELOAD": str(preload)} if preload else {}
        env = environment(PYTHONPATH=str(ROOT), **more)
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.cradle"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Cradle:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(STOP_S)
        self._process.stdout.close()

    def bear(
        self,
        work: str,
        folder: Path,
        *,
        env: Mapping[str, str],
        timing: Timing | None = None,
        limits: Limits | None = None,
        **more: Any,
    ) -> Child:
        """`work` is a function of `tests/faults/lives.py`; `more` are its words."""
        log = folder / "log"
        wish = {
            "work": work,
            "folder": str(folder),
            "env": dict(env),
            "log": str(log),
            "timing": timing and dataclasses.asdict(timing),
            "limits": limits and dataclasses.asdict(limits),
            "more": more,
        }
        return Child(self, self.ask("bear", wish), log)

    def ask(self, order: str, word: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        print(json.dumps([order, word]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


class Child:
    """A running portal; `said` is what it printed so far."""

    def __init__(self, cradle: Cradle, pid: int, log: Path) -> None:
        self.pid = pid
        self._cradle = cradle
        self._log = log
        self._ended: int | None = None

    @property
    def said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def until_awake(self) -> None:
        """Until a worker hears signals: before, a SIGTERM ends it with -15."""
        ends_at = time.monotonic() + AWAKE_S
        while lives.AWAKE.format(self.pid) not in self.said:
            assert time.monotonic() < ends_at, self.said[-3000:]
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        if self._ended is None:
            os.kill(self.pid, number)

    def kill(self) -> int:
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Its exit status, the negative signal where one ended it."""
        if self._ended is None:
            self._ended = self._cradle.ask("wait", [self.pid, timeout_s])
            assert self._ended is not None, f"it does not end:\n{self.said}"
        return self._ended

    def has_ended(self) -> bool:
        if self._ended is None:
            self._ended = self._cradle.ask("wait", [self.pid, 0])
        return self._ended is not None


def _serve() -> None:
    """Reads orders until the test is over."""
    children: set[int] = set()
    for line in sys.stdin:
        order, word = json.loads(line)
        if order == "bear":
            pid = os.fork()
            if pid == 0:
                _live(word)
            children.add(pid)
            print(json.dumps(pid), flush=True)
        else:
            print(json.dumps(_waited(*word, children)), flush=True)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _waited(pid: int, timeout_s: float, children: set[int]) -> int | None:
    watched = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([watched], [], [], timeout_s)
    finally:
        os.close(watched)
    if not ended:
        return None
    children.discard(pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _live(wish: dict[str, Any]) -> None:
    """The child: from here on a process like any other."""
    code = 99
    try:
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        os.chdir(wish["folder"])
        log = os.open(wish["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for number in (1, 2):
            os.dup2(log, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(wish["env"])
        if "FAULTS_CONTROL" in wish["env"]:
            ctypes.CDLL(None).faults_begin()
        random.seed()
        timing, limits = wish["timing"], wish["limits"]
        getattr(lives, wish["work"])(
            timing=Timing(**_tuples(timing)) if timing else Timing(),
            limits=Limits(**limits) if limits else Limits(),
            **wish["more"],
        )
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


if __name__ == "__main__":
    _serve()
