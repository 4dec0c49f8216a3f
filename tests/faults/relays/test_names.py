"""Fault 35: what DNS may answer, and a canary that must hear nothing."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.types import Limits
from tests.engine.conftest import QUICK, until
from tests.faults.relays.acts import TAKES, acting
from tests.faults.relays.outboxes import outcomes
from tests.net.nameserver import NameServer

HOST = "mail.relay.example"
CANARY = "127.0.0.66"
LIMITS = dataclasses.replace(Limits.every(5, 10), dns_s=0.5)


class Canary:
    """Listens where nobody may be sent: at the relay's port of another address."""

    def __init__(self, port: int) -> None:
        self.connections = 0
        self._socket = socket.create_server((CANARY, port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.connections += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer({}) as server:
        yield server


@pytest.fixture
def settings(settings, names):
    """The guard as it is for tenants; 127.0.0.1 alone is allowed."""
    loopback = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(loopback,), dns=names.address)


@pytest.mark.parametrize(
    ("says", "answer", "trouble"),
    [
        ("NXDOMAIN", "NXDOMAIN", "net"),
        ("SERVFAIL", "SERVFAIL", "net"),
        ("no answer in time", None, "timeout"),
        ("a forbidden address", [CANARY], "forbidden"),
        ("a good and a forbidden address", ["127.0.0.1", CANARY], "forbidden"),
    ],
)
def test_name_that_does_not_lead_to_the_relay(
    engine, post, names, told, says, answer, trouble
):
    """The mail waits for its sender, nothing is connected to, and a name that is
    mended is found again."""
    with acting(TAKES) as relay:
        canary = Canary(relay.port)
        names.names[HOST] = answer
        sender(post, relay)
        engine(QUICK, limits=LIMITS)
        message = post.mail()
        until(lambda: "deferred" in outcomes(post, message))

        assert relay.connections == canary.connections == 0
        attempt = post.attempts(message)[0]
        assert (attempt.stage, attempt.failure["kind"]) == ("dns", trouble)
        names.names[HOST] = ["127.0.0.1"]
        post.until(message, "sent")

        assert post.recipients(message)[0].tries == 0
        assert canary.connections == 0
        assert len(relay.contents) == 1
        canary.close()
    told(35, f"DNS says {says}", "mail kept, 0 connections to a canary, then sent")


def test_rebinding_finds_nobody(engine, post, names, told):
    """The first answer is right, every later one is the canary's: one look-up an
    attempt, and the socket goes to what was judged."""
    with acting("! close", TAKES) as relay:
        canary = Canary(relay.port)
        names.names[HOST] = [["127.0.0.1"], [CANARY]]
        sender(post, relay)
        engine(QUICK, limits=LIMITS)

        message = post.mail()

        until(lambda: len(outcomes(post, message)) >= 3)
        kinds = [row.failure["kind"] for row in post.attempts(message) if row.failure]
        assert kinds[0] == "closed"
        assert set(kinds[1:]) == {"forbidden"}
        assert (relay.connections, canary.connections) == (1, 0)
        assert post.recipients(message)[0].tries == 0
        canary.close()
    told(35, "DNS rebinds on the 2nd answer", "0 connections to a canary, mail kept")


def sender(post, relay) -> None:
    post.make.sender(
        post.tenant, host=HOST, port=relay.port, from_address="kim@example.org"
    )
