"""`kill -9` at random moments loses nothing that was answered 202.

KILL_TEST_SENDS=5000 makes a longer run; KILL_TEST_SEED repeats one.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.faults.sink import Sink, listening
from tests.serving import Serving, environment, free_port, run, start

SENDS = int(os.environ.get("KILL_TEST_SENDS", "200"))
SENDS_A_KILL = 35
CLIENTS = 6
# A mail whose dot was out when the process died is sent again after 30 s.
SETTLE_S = 60


@dataclass
class Portal:
    """One installation whose process is killed and started again."""

    folder: Path
    env: dict[str, str]
    key: str
    port: int = field(default_factory=free_port)
    kills: int = 0
    _running: Serving | None = None

    def start(self) -> None:
        serving = start(self.folder, "--no-sandbox", port=self.port, env=self.env)
        self._running = serving
        serving.ready()

    def kill(self) -> None:
        if self._running:
            self._running.kill()
            self.kills += 1

    @property
    def running(self) -> Serving:
        assert self._running
        return self._running


@pytest.fixture
def relay() -> Iterator[tuple[Sink, int]]:
    with listening() as it:
        yield it


@pytest.fixture
def portal(tmp_path: Path, relay: tuple[Sink, int]) -> Iterator[Portal]:
    env = environment(
        PORTAL_RELAY_ALLOW=f"127.0.0.1/32:{relay[1]}", PORTAL_LIMITS="off"
    )
    key = installed(tmp_path, env, relay_port=relay[1])
    with ExitStack() as stack:
        it = Portal(folder=tmp_path, env=env, key=key)
        stack.callback(it.kill)
        it.start()
        yield it


def installed(folder: Path, env: dict[str, str], *, relay_port: int) -> str:
    """Set up from the command line alone, as a deployment does; an API key."""
    (folder / "password").write_text("a long enough password\n")
    owner = ("--email", "kim@example.org", "--password-file", "password")
    tenant = run("setup", *owner, "--tenant", "Acme Inc", folder=folder, env=env)
    assert tenant["tenant"]
    sender = {
        "name": "Sink",
        "provider": "generic_smtp",
        "host": "127.0.0.1",
        "port": relay_port,
        "security": "none",
        "auth": "none",
        "from_name": "Acme",
        "from_address": "app@example.org",
    }
    (folder / "sender.json").write_text(json.dumps(sender))
    where = ("--tenant", "acme-inc")
    run("sender", "apply", "sender.json", *where, "--activate", folder=folder, env=env)
    made: str = run("key", "add", *where, folder=folder, env=env)["key"]
    return made


@pytest.mark.timeout(60 + SENDS)
def test_every_202_arrives_whatever_is_killed(portal: Portal, relay):
    """Each accepted mail is at the sink at least once, always under its own
    Message-ID, and twice only where a kill fell between dot and answer."""
    sink, _ = relay
    seed = int(os.environ.get("KILL_TEST_SEED", random.randrange(10**6)))
    accepted = send_all(portal, random.Random(seed))

    # Within the time every accepted subject comes at least once.
    sink.wait(lambda: sink.copies.keys() >= accepted.keys(), SETTLE_S)

    lost = accepted.keys() - sink.copies.keys()
    renamed = {s: ids for s, ids in sink.copies.items() if set(ids) != {accepted[s]}}
    twice = [s for s, ids in sink.copies.items() if len(ids) > 1]
    told = f"seed {seed}, {portal.kills} kills, {len(twice)} came twice"
    assert (lost, renamed) == (set(), {}), told
    assert portal.kills >= SENDS // SENDS_A_KILL - 1, told
    assert max(map(len, sink.copies.values())) <= 2, told
    # What was in flight: at most the engine's connections at each kill.
    assert len(twice) <= portal.kills * 4, told


def send_all(portal: Portal, dice: random.Random) -> dict[str, str]:
    """Subject and Message-ID of each 202, while the portal is killed and started."""
    accepted: dict[str, str] = {}
    done = threading.Event()
    numbers = itertools.count()
    answers = threading.Semaphore(0)

    def client() -> None:
        while (number := next(numbers)) < SENDS:
            subject = f"mail {number}"
            accepted[subject] = until_accepted(portal, subject)
            answers.release()

    def killer() -> None:
        while not done.is_set():
            for _ in range(dice.randint(SENDS_A_KILL // 2, SENDS_A_KILL)):
                answers.acquire()
            # Anywhere within the life of a mail, from its commit to its answer.
            if done.wait(dice.uniform(0, 0.05)):
                return
            portal.kill()
            portal.start()

    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        killing = pool.submit(killer)
        for each in [pool.submit(client) for _ in range(CLIENTS)]:
            each.result()
        done.set()
        answers.release(SENDS_A_KILL)
        killing.result()
    return accepted


def until_accepted(portal: Portal, subject: str) -> str:
    """As a careful script does: the same request with the same key until a 202."""
    body = {"to": "pat@example.com", "subject": subject, "text": "hi", "kind": "otp"}
    headers = {"Idempotency-Key": subject.replace(" ", "-")}
    for _ in range(3000):
        with suppress(OSError, HTTPException):
            answer = portal.running.ask(
                "POST", "/send", key=portal.key, body=body, headers=headers
            )
            if answer.status == 202:
                message_id: str = answer.json()["message_id"]
                return message_id
            assert answer.status in (409, 503), answer.body
        threading.Event().wait(0.02)
    raise AssertionError(f"{subject} was never accepted.")
