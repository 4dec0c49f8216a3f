"""Postfix with Dovecot SASL, started from one temporary folder on loopback ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

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
class Peer:
    """Where it listens, whom it lets in and what it says of itself."""

    submission: int  # STARTTLS; refuses a sender at RCPT, as Postfix does by default
    submissions: int  # implicit TLS; refuses a sender at MAIL
    ca: Path
    folder: Path
    user: str = "app"
    password: str = "correct horse battery"
    owned: str = "app@peer.example"  # the one address that `user` may send from
    reader: str = "kim@peer.example"  # the one mailbox of its own domain

    def log(self) -> str:
        return (self.folder / "mail.log").read_text(errors="replace")


@contextlib.contextmanager
def running(folder: Path, certificate: Path, ca: Path, next_hop: int) -> Iterator[Peer]:
    """Both servers, up and greeting; every process is gone at the end.

    What Postfix accepts it hands to `next_hop`. The folder must be open to the
    users `postfix` and `dovecot`: not below one of pytest's.
    """
    submission, submissions = _free_ports(2)
    peer = Peer(submission=submission, submissions=submissions, ca=ca, folder=folder)
    _write(peer, certificate, next_hop)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process([DOVECOT, "-F", "-c", f"{folder}/dovecot.conf"]))
        stack.enter_context(_process([POSTFIX, "-c", f"{folder}/etc", "start-fg"]))
        stack.callback(_end_master, folder)
        _until(lambda: _greets(submission), folder)
        _until((folder / "auth").exists, folder)
        yield peer


def _write(peer: Peer, certificate: Path, next_hop: int) -> None:
    folder = peer.folder
    folder.chmod(0o755)
    for name in ("etc", "queue", "data", "run"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    shutil.chown(folder / "data", "postfix")
    values = {
        "folder": str(folder),
        "certificate": str(certificate),
        "next_hop": next_hop,
        "submission": peer.submission,
        "submissions": peer.submissions,
        "user": peer.user,
        "owned": peer.owned,
        "reader": peer.reader,
    }
    for name, place in (
        ("main.cf", "etc/main.cf"),
        ("master.cf", "etc/master.cf"),
        ("dovecot.conf", "dovecot.conf"),
    ):
        text = Template((CONFIG / name).read_text()).substitute(values)
        _readable(folder / place, text)
    _readable(folder / "users", f"{peer.user}:{{PLAIN}}{peer.password}\n")


def _readable(path: Path, text: str) -> None:
    """Both servers read as users of their own, whatever our umask is."""
    path.write_text(text)
    path.chmod(0o644)


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[None]:
    """A server in a session of its own, so that its children can be ended with it."""
    process = subprocess.Popen(
        command,
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
        _until(lambda: not Path(f"/proc/{master}/exe").exists(), folder)


def _until(holds: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            logs = [p.read_text(errors="replace") for p in folder.glob("*.log")]
            raise AssertionError("The peer does not answer.\n" + "\n".join(logs))
        time.sleep(0.02)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            return sock.recv(512).startswith(b"220 ")
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
