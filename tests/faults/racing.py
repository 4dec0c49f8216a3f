"""Who races: clients that all begin at one moment, a steady flow, a person."""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from portal.services import sessions
from portal.store.models import Person as PersonRow
from portal.store.models import Route, Sender, SenderVersion
from tests.faults.cradle import Child
from tests.faults.household import QUICK, House, inhabited
from tests.faults.invariants import unsettled
from tests.faults.moody import Moody

TIMEOUT_S = 65
# Nobody dies here: a slow machine must not look like the end of a lease.
STEADY = dataclasses.replace(QUICK, lease_s=60)
WAITS = re.compile(r"(\d+) mails? still wait")
ENDED = re.compile(r"(\d+) mails? ended without an answer")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    port: int, method: str, path: str, body: str, headers: dict[str, str]
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


def send(house: House, port: int, mail: dict[str, Any], **headers: str) -> Answer:
    """POST /send once, at this one of the portals of the house."""
    sent = {
        "Authorization": f"Bearer {house.key}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return ask(port, "POST", "/send", json.dumps(mail), sent)


def at_once(count: int, work: Callable[[int], Answer]) -> list[Answer]:
    """`work(0)` to `work(count - 1)`, each in a thread, all let go together."""
    gate = threading.Barrier(count)

    def run(number: int) -> Answer:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@contextmanager
def flow(house: House, per_s: int, *, clients: int = 5) -> Iterator[None]:
    """So many mails a second, for the time of the block, each accepted in the end."""
    over, broken = threading.Event(), []
    begun = time.monotonic()

    def run(first: int) -> None:
        number = first
        try:
            while not over.wait(max(begun + number / per_s - time.monotonic(), 0)):
                house.post_until_accepted(f"flow-{number}")
                number += clients
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not broken, broken


class Admin:
    """The owner at the browser: presses a button, reads what it answers."""

    def __init__(self, house: House) -> None:
        self._house = house
        with inhabited(house.settings) as make:
            owner = make.actor("owner", tenant="Acme Inc", email="owner@example.org")
            row = PersonRow.get(PersonRow.email == owner.label)
            begun = sessions.begin(
                make.installation, row, ip="127.0.0.1", user_agent="tests"
            )
        self._cookie, self._token = begun.token, begun.csrf

    def uses(self, sender: str) -> tuple[int, int]:
        return self._presses(f"{sender}/versions/1/use")

    def disables(self, sender: str) -> tuple[int, int]:
        return self._presses(f"{sender}/disable")

    def _presses(self, button: str) -> tuple[int, int]:
        """How many mails the answer names: that wait, that ended without one."""
        answer = ask(
            self._house.port,
            "POST",
            f"/t/{self._house.tenant.slug}/senders/{button}",
            urlencode({"csrf_token": self._token}),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"portal={self._cookie}",
                "HX-Request": "true",
            },
        )
        words = answer.body.decode()
        assert answer.status == 200, words
        return _number(WAITS, words), _number(ENDED, words)


def _number(pattern: re.Pattern[str], words: str) -> int:
    found = pattern.search(words)
    return int(found[1]) if found else 0


def sender_at(house: House, relay: Moody) -> str:
    """The public id of one more sender, which carries nothing yet."""
    with inhabited(house.settings) as make:
        version = make.sender(
            house.tenant,
            active=False,
            name="Other relay",
            host="127.0.0.1",
            port=relay.port,
            from_address="app@example.org",
        )
        return str(version.sender.public_id)


def sender_in_use(house: House) -> str:
    with inhabited(house.settings):
        row = Sender.select().join(SenderVersion).join(Route).get()
        return str(row.public_id)


def until_settled(house: House, child: Child, *, within_s: float = 60) -> None:
    """Nothing waits and no retry is to come, while `child` runs."""
    ends_at = time.monotonic() + within_s
    while unsettled(house):
        assert time.monotonic() < ends_at, child.said[-3000:]
        time.sleep(0.05)


def together(*relays: Moody) -> Moody:
    """One relay with the copies of all: what holds is held against it."""
    both = Moody()
    for relay in relays:
        for key, copies in relay.copies.items():
            both.copies[key] += copies
    return both


def heard_between(relay: Moody, begin: float, end: float) -> list[str]:
    return [line for at, line in relay.lines if begin < at < end]
