"""The peer of these tests: one Postfix, one Dovecot and the sink behind them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers import exim, opensmtpd, postfix
from tests.peers.certified import client_pair
from tests.peers.postfix import Peer, Surroundings
from tests.relays.tokens import TokenServer
from tests.serving import free_port, portal_command


class Sink:
    """Where Postfix hands on what it accepted."""

    def __init__(self) -> None:
        self._kept: list[tuple[Envelope, Message]] = []
        self._news = threading.Condition()

    async def handle_DATA(self, server: SMTP, session: Session, mail: Envelope) -> str:
        with self._news:
            self._kept.append((mail, message_from_bytes(mail.content or b"")))
            self._news.notify_all()
        return "250 kept"

    def mail(self, subject: str, count: int = 1) -> list[tuple[Envelope, Message]]:
        """The mails of this subject, once there are so many."""
        with self._news:
            self._news.wait_for(lambda: len(self._with(subject)) >= count, timeout=20)
            found = self._with(subject)
        assert len(found) == count
        return found

    def _with(self, subject: str) -> list[tuple[Envelope, Message]]:
        return [each for each in self._kept if each[1]["Subject"] == subject]


@pytest.fixture(scope="session")
def hop() -> Iterator[tuple[Sink, int]]:
    sink = Sink()
    controller = Controller(
        sink, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True
    )
    controller.start()
    yield sink, controller.port
    controller.stop()


@pytest.fixture
def sink(hop: tuple[Sink, int]) -> Sink:
    return hop[0]


@pytest.fixture(scope="session")
def tokens() -> Iterator[TokenServer]:
    """Whose tokens Dovecot takes, of `robot@peer.example`."""
    with TokenServer(user="robot@peer.example") as server:
        yield server


@pytest.fixture(scope="session")
def peer(hop: tuple[Sink, int], tokens: TokenServer) -> Iterator[Peer]:
    if reason := postfix.why_not():
        pytest.skip(reason)
    with (
        _surroundings(hop[1], tokens) as (folder, given),
        postfix.running(folder, given) as peer,
    ):
        yield peer


@pytest.fixture(scope="session")
def exim_peer(hop: tuple[Sink, int], tokens: TokenServer) -> Iterator[Peer]:
    if reason := exim.why_not():
        pytest.skip(reason)
    with (
        _surroundings(hop[1], tokens) as (folder, given),
        exim.running(folder, given) as peer,
    ):
        yield peer


@pytest.fixture(scope="session")
def opensmtpd_peer(hop: tuple[Sink, int], tokens: TokenServer) -> Iterator[Peer]:
    if reason := opensmtpd.why_not():
        pytest.skip(reason)
    with (
        _surroundings(hop[1], tokens) as (folder, given),
        opensmtpd.running(folder, given) as peer,
    ):
        yield peer


@contextlib.contextmanager
def _surroundings(
    next_hop: int, tokens: TokenServer
) -> Iterator[tuple[Path, Surroundings]]:
    """A folder that servers may read, with certificates; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="peer-"))
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    try:
        yield (
            folder,
            Surroundings(
                certificate=folder / "server.pem",
                ca=folder / "ca.pem",
                client=client_pair(authority, folder / "client"),
                stranger=client_pair(trustme.CA(), folder / "stranger"),
                next_hop=next_hop,
                introspect_url=tokens.introspect_url,
            ),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Tried:
    """What `portal try --json` said, and its exit status."""

    exit: int
    said: dict[str, Any]
    errors: str

    def step(self, stage: str) -> dict[str, Any]:
        return next(step for step in self.said["steps"] if step["stage"] == stage)


Try = Callable[..., Tried]


@pytest.fixture
def try_peer(peer: Peer, tmp_path: Path) -> Try:
    """`portal try` with what is right for the peer; keywords change or add options.

    A keyword of None leaves the option out: `username=None, auth="none"`.
    """

    def run(**changes: str | int | None) -> Tried:
        secret = tmp_path / "password"
        secret.write_text(str(changes.pop("password", peer.password)))
        options: dict[str, str | int | None] = {
            "host": "localhost",
            "port": peer.submission,
            "security": "starttls",
            "auth": "password",
            "username": peer.user,
            "password_file": str(secret),
            "ca_file": str(peer.ca),
            "from": peer.owned,
            "to": "pat@elsewhere.example",
        } | changes
        words = [
            word
            for name, value in options.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        command = [*portal_command(), "try", *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        return Tried(done.returncode, json.loads(done.stdout), done.stderr)

    return run
