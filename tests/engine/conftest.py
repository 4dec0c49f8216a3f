"""An engine with short pauses, real relays on loopback, and eyes on the rows."""

from __future__ import annotations

import dataclasses
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from portal.config import AllowRule, Settings
from portal.delivery.types import Limits
from portal.engine.bell import EngineBell
from portal.engine.engine import Engine
from portal.services.outbox.timing import Timing
from portal.store.models import Attempt, AuditEvent, Message, Recipient

if TYPE_CHECKING:
    from portal.services.actor import TenantRef
    from portal.services.installation import Installation
    from tests.people import Factory

LOOPBACK = AllowRule(network=ip_network("127.0.0.0/8"))
QUICK = Timing(
    urgent_s=(0.05,),
    normal_s=(0.05,),
    greylist_s=0.05,
    uncertain_urgent_s=0.05,
    uncertain_normal_s=0.05,
    breaker_s=(0.05,),
    jitter=0,
    poll_s=0.02,
)
# Long enough that a test sees what waits, and never waits for it.
PATIENT = dataclasses.replace(
    QUICK, normal_s=(3600,), uncertain_normal_s=3600, breaker_s=(3600,)
)
PATIENCE_S = 20


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, relay_allow=(LOOPBACK,))


@pytest.fixture
def installation(installation: Installation) -> Installation:
    return dataclasses.replace(installation, bell=EngineBell())


@pytest.fixture
def engine(installation: Installation) -> Iterator[Callable[..., Engine]]:
    """`engine(timing=…)` starts one; all are stopped at the end."""
    started: list[Engine] = []
    numbers = itertools.count(1)

    def start(timing: Timing = QUICK, **more: Any) -> Engine:
        more.setdefault("limits", Limits.every(5, 10))
        name = f"engine-{next(numbers)}"
        made = Engine(installation, name, timing=timing, **more)
        made.start()
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop(grace_s=0.2)


@dataclass
class Nobody:
    """A port of loopback that refuses connections, until it is left to others."""

    taken: socket.socket
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.taken.getsockname()[1]

    def leave(self) -> int:
        port = self.port
        self.taken.close()
        return port


@pytest.fixture
def nobody() -> Iterator[Nobody]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Nobody(taken)


class Post:
    """The tenant's mail: written as accepted, watched as it moves."""

    def __init__(self, make: Factory) -> None:
        self.make = make
        self.tenant: TenantRef = make.tenant()

    def through(self, relay: Any, **settings: Any) -> None:
        """An active sender whose relay this is."""
        self.make.sender(
            self.tenant,
            host=relay.host,
            port=relay.port,
            from_address="kim@example.org",
            **settings,
        )

    def mail(self, *to: str, **columns: Any) -> Message:
        message = self.make.message(
            self.tenant, to=to or ("lee@example.com",), **columns
        )
        self.make.installation.bell.ring([message.id])
        return message

    def states(self, message: Message) -> list[str]:
        return [row.state for row in self.recipients(message)]

    def recipients(self, message: Message) -> list[Recipient]:
        query = Recipient.select().where(Recipient.message == message.id)
        return list(query.order_by(Recipient.position))

    def attempts(self, message: Message) -> list[Attempt]:
        query = Attempt.select().where(Attempt.message == message.id)
        return list(query.order_by(Attempt.number))

    def events(self, message: Message) -> list[AuditEvent]:
        query = AuditEvent.select().where(AuditEvent.subject_id == message.public_id)
        return list(query.order_by(AuditEvent.id))

    def until(self, message: Message, *states: str) -> None:
        until(lambda: self.states(message) == list(states))


def until(condition: Callable[[], Any]) -> None:
    """As soon as it holds; the test fails when it does not come to hold."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to this"
        time.sleep(0.005)


@pytest.fixture
def post(installation: Installation, make: Factory) -> Post:
    return Post(make)
