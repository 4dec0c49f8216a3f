"""A PostgreSQL for tests: the one that is named, or Debian's, thrown away after."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

START_S = 30
# Nothing here outlives the tests, so nothing is synced.
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
PLAIN = ("-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C")
ALONE = ("listen_addresses=", "max_connections=200", "logging_collector=off")


def binaries() -> Path | None:
    """The newest `/usr/lib/postgresql/*/bin`; Debian leaves it out of PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server() -> Iterator[str | None]:
    """The URL of a running server; None where there is none to be had."""
    named = os.environ.get("TEST_POSTGRESQL_URL")
    where = binaries()
    if named:
        yield named
    elif where is None:
        yield None
    else:
        with _throw_away(where) as url:
            yield url


@contextmanager
def database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database, dropped at the end."""
    name = f"portal_test_{secrets.token_hex(8)}"
    like = f' TEMPLATE "{template}"' if template else ""
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"{like}')  # type: ignore[arg-type]
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


class Server:
    """Its own user, a socket in a folder of its own, no port. `start` and `stop` it
    as often as you like; `remove` it in the end."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="portal-pg-", dir="/tmp"))
        if self._user:
            shutil.chown(self._folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = (
            f"postgresql://portal@/postgres?host={quote(str(self._folder), safe='')}"
        )
        subprocess.run(
            [where / "initdb", "-D", self._data, "-U", "portal", *PLAIN],
            user=self._user,
            cwd=self._folder,
            check=True,
            capture_output=True,
        )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        options = [f"-c{setting}" for setting in (*FAST, *ALONE)]
        command = [self._where / "postgres", "-D", self._data, "-k", self._folder]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_leash(), *command, *options],
                user=self._user,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        _wait(self.url, self._process, self._folder / "log")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM waits for its clients, SIGINT ends them, SIGQUIT is a crash."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def _throw_away(where: Path) -> Iterator[str]:
    made = Server(where)
    try:
        made.start()
        yield made.url
    finally:
        made.remove()


def _leash() -> list[str]:
    """The server ends with the tests, also when these are killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.02)  # it has no other way to say that it is up
