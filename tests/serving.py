"""A real `portal serve` for tests: a process of its own in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_S, STOP_S = 30, 40
SET_UP = re.compile(r"https?://\S+/set-up/\S+")


def portal_command() -> list[str]:
    """The installed `portal`, beside the Python that runs the tests."""
    return [str(Path(sys.executable).with_name("portal"))]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without any PORTAL_ of its own, and `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTAL_")}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


def run(*words: str, folder: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """One `portal … --json` that has to succeed; its document."""
    command = [*portal_command(), *words, "--json"]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"portal {words[0]}: {done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Serving:
    """A running portal: its address, its output, and ways to ask and to end it."""

    process: subprocess.Popen[str]
    url: str
    output: list[str] = field(default_factory=list)
    _new: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line)
                self._new.put(line)
        self._new.put(None)

    def line(self, pattern: re.Pattern[str]) -> str:
        """The first match in what it prints from here on."""
        end = time.monotonic() + START_S
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._new.get(timeout=left)
                if line is None:
                    break
                if found := pattern.search(line):
                    return found.group()
        raise AssertionError(f"No {pattern.pattern} in: {''.join(self.output)}")

    def ready(self) -> Serving:
        """Returns when /readyz says so."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/readyz").status == 200:
                    return self
            time.sleep(0.02)
        raise AssertionError(f"It does not get ready: {''.join(self.output)}")

    def ask(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: object = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """One request as a script makes it; an error status is an answer too."""
        sent = dict(headers)
        if key:
            sent["Authorization"] = f"Bearer {key}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=35) as answer:
                return Answer(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, answer.read(), answer.headers)

    def settled(self, message: str, *, key: str) -> dict[str, Any]:
        """GET /send/<id>, once nothing of it waits or moves."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            answer = self.ask("GET", f"/send/{message}", key=key)
            assert answer.status == 200, answer.body
            found: dict[str, Any] = answer.json()
            if found["status"] not in ("queued", "sending"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"It does not settle: {found}")

    def kill(self) -> None:
        """`kill -9` of the whole process group, as a power cut has it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        """SIGTERM and its exit status."""
        self.process.terminate()
        return self._end()

    def _end(self) -> int:
        try:
            return self.process.wait(STOP_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_S)
            self._reader.join(STOP_S)
            if self.process.stdout:
                self.process.stdout.close()


def start(
    folder: Path, *options: str, port: int, env: Mapping[str, str] | None = None
) -> Serving:
    """`portal serve` in `folder`; its instance is there unless `env` says else."""
    process = subprocess.Popen(
        [*portal_command(), "serve", "--port", str(port), *options],
        cwd=folder,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return Serving(process, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def serving(
    folder: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """A portal on a free port for the time of the block."""
    portal = start(folder, *options, port=free_port(), env=env)
    try:
        yield portal
    finally:
        portal.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
