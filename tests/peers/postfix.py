"""Postfix with Dovecot SASL, started from one temporary folder on loopback ports.

One Postfix with a listener for each way a company runs it: `config/master.cf` names
them, `peer.ports` has their ports.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.peers.accounts import USERS

POSTFIX, DOVECOT = "/usr/sbin/postfix", "/usr/sbin/dovecot"
CONFIG = Path(__file__).parent / "config"
PATIENCE_S = 20


def why_not() -> str | None:
    """A sentence when these two cannot be run here."""
    missing = [Path(p).name for p in (POSTFIX, DOVECOT) if not shutil.which(p)]
    if missing:
        return (
            f"{' and '.join(missing)} not installed: postfix, dovecot-core of Debian."
        )
    return None if os.geteuid() == 0 else "Postfix is started by root only."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A client certificate and its key, as files."""

    certificate: Path
    key: Path
    fingerprint: str  # SHA-256, with colons


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Where it listens, whom it lets in and what it says of itself."""

    ports: Mapping[str, int]
    ca: Path
    folder: Path
    client: Pair  # its fingerprint may relay
    stranger: Pair  # from an authority that it does not know
    user: str = "app"
    password: str = "correct horse battery"
    owned: str = "app@peer.example"  # the one address that `user` may send from
    reader: str = "kim@peer.example"  # the one mailbox of its own domain
    log_name: str = "mail.log"

    @property
    def submission(self) -> int:
        """STARTTLS; refuses a sender at RCPT, as Postfix does by default."""
        return self.ports["submission"]

    @property
    def submissions(self) -> int:
        """Implicit TLS; refuses a sender at MAIL."""
        return self.ports["submissions"]

    def log(self) -> str:
        return (self.folder / self.log_name).read_text(errors="replace")

    def logged(self, words: str) -> bool:
        """Whether its log says so, now or soon: it is written behind the answers."""
        end = time.monotonic() + PATIENCE_S
        while words not in self.log() and time.monotonic() < end:
            time.sleep(0.02)
        return words in self.log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the peer is given: certificates, the next hop, who knows tokens."""

    certificate: Path
    ca: Path
    client: Pair
    stranger: Pair
    next_hop: int
    introspect_url: str


@contextlib.contextmanager
def running(folder: Path, given: Surroundings) -> Iterator[Peer]:
    """Both servers, up and greeting; every process is gone at the end.

    What Postfix accepts it hands to `next_hop`. The folder must be open to the
    users `postfix` and `dovecot`: not below one of pytest's.
    """
    names = re.findall(r"127\.0\.0\.1:\$(\w+) ", (CONFIG / "master.cf").read_text())
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    peer = Peer(
        ports=ports,
        ca=given.ca,
        folder=folder,
        client=given.client,
        stranger=given.stranger,
    )
    _write(peer, given)
    with contextlib.ExitStack() as stack:
        stack.enter_context(process([DOVECOT, "-F", "-c", f"{folder}/dovecot.conf"]))
        stack.enter_context(process([POSTFIX, "-c", f"{folder}/etc", "start-fg"]))
        stack.callback(_end_master, folder)
        until(lambda: greets(peer.submission), folder)
        until((folder / "auth").exists, folder)
        yield peer


def _write(peer: Peer, given: Surroundings) -> None:
    folder = peer.folder
    folder.chmod(0o755)
    for name in ("etc", "queue", "data", "run"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    shutil.chown(folder / "data", "postfix")
    values = {
        "folder": str(folder),
        "certificate": str(given.certificate),
        "ca": str(given.ca),
        "client": given.client.fingerprint,
        "next_hop": given.next_hop,
        "introspect_url": given.introspect_url,
        "user": peer.user,
        "owned": peer.owned,
        "reader": peer.reader,
        **peer.ports,
    }
    for name, place in (
        ("main.cf", "etc/main.cf"),
        ("master.cf", "etc/master.cf"),
        ("header_checks", "etc/header_checks"),
        ("dovecot.conf", "dovecot.conf"),
        ("oauth2.conf", "oauth2.conf"),
    ):
        text = Template((CONFIG / name).read_text()).substitute(values)
        readable(folder / place, text)
    _write_users(peer)


def _write_users(peer: Peer) -> None:
    """Passwords in base64, so that each byte of them can be there."""
    everybody = {peer.user: peer.password, **USERS}
    lines = (
        f"{user}:{{PLAIN.b64}}{base64.b64encode(password.encode()).decode()}\n"
        for user, password in everybody.items()
    )
    readable(peer.folder / "users", "".join(lines))


def readable(path: Path, text: str) -> None:
    """Both servers read as users of their own, whatever our umask is."""
    path.write_text(text)
    path.chmod(0o644)


@contextlib.contextmanager
def process(
    command: list[str], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A server in a session of its own, so that its children can be ended with it."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o022,
    )
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)


def _end_master(folder: Path) -> None:
    """Postfix's master leads a session of its own; its starter waits for its end."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        master = int((folder / "queue/pid/master.pid").read_text())
        os.kill(master, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{master}/exe").exists(), folder)


def until(holds: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            logs = [p.read_text(errors="replace") for p in folder.glob("*.log")]
            raise AssertionError("The peer does not answer.\n" + "\n".join(logs))
        time.sleep(0.02)


def greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            return sock.recv(512).startswith(b"220 ")
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
