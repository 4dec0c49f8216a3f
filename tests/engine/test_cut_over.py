"""Moves of a route under flow: nothing leaves through the old sender after them."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import pytest

from portal.config import DefaultSender
from portal.services import senders
from portal.services.outbox.timing import Timing
from portal.services.senders.routing import NOTICE_S
from portal.store.database import connection
from portal.store.models import Attempt, Message, Recipient
from tests.engine.conftest import until
from tests.relays.sink import Sink

pytestmark = pytest.mark.usefixtures("both_databases")

FLOW_S = 3.0
PER_S = 100
TIMING = Timing(poll_s=0.05)


@dataclasses.dataclass
class Strict(Sink):
    """Remembers on the monotonic clock when it was asked for MAIL and given a dot."""

    lines: list[tuple[float, str, str]] = dataclasses.field(default_factory=list)

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        self.lines.append((time.monotonic(), "MAIL", ""))
        return await super().handle_MAIL(server, session, envelope, address, options)

    async def handle_DATA(self, server, session, envelope) -> str:
        (to,) = envelope.rcpt_tos
        self.lines.append((time.monotonic(), "dot", to))
        return await super().handle_DATA(server, session, envelope)

    def after(self, begin: float, end: float) -> list[tuple[float, str, str]]:
        return [line for line in self.lines if begin < line[0] < end]


class Flow:
    """A thread that accepts a hundred mails a second, each to its own recipient."""

    def __init__(self, post: Any) -> None:
        self.messages: list[Message] = []
        self._post = post
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Flow:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        begun = time.monotonic()
        with connection():
            for number in range(int(FLOW_S * PER_S)):
                time.sleep(max(begun + number / PER_S - time.monotonic(), 0))
                self.messages.append(self._post.mail(f"r{number}@example.com"))


def held_promise(
    relay: Strict, asked: float, answered: float, moved_back: float
) -> None:
    """From an answer that named nobody to the next move: not one dot, and not one
    MAIL, unless the answer could wait no longer for those who had to notice."""
    late = relay.after(answered, moved_back)
    assert [line for line in late if line[1] == "dot"] == []
    assert late == [] or answered - asked >= NOTICE_S


def each_once(flow: Flow, *relays: Sink) -> None:
    until(lambda: Recipient.select().where(Recipient.state != "sent").count() == 0)
    got = [to for relay in relays for mail in relay.mails for to in mail.recipients]
    assert sorted(got) == sorted(message.shown_to for message in flow.messages)
    assert Attempt.select().where(Attempt.outcome == "uncertain").count() == 0


def test_switching_senders_under_flow(engine, post, owner):
    with Strict() as one, Strict() as other:
        relays = {"one": one, "other": other}
        ids = {}
        for name, relay in relays.items():
            version = post.make.sender(
                post.tenant,
                host=relay.host,
                port=relay.port,
                from_address="kim@example.org",
            )
            ids[name] = version.sender.public_id
        engine(TIMING)

        with Flow(post) as flow:
            now, old = "other", "one"
            switches = 0
            while flow.runs:
                time.sleep(0.2)
                now, old = old, now
                asked = time.monotonic()
                saved = senders.activate(owner, ids[now], 1)
                answered = time.monotonic()
                assert (saved.waiting.waiting, saved.waiting.uncertain) == (0, 0)
                time.sleep(0.1)
                held_promise(relays[old], asked, answered, time.monotonic())
                switches += 1
        assert switches >= 2

        each_once(flow, one, other)
        assert one.mails
        assert other.mails


def test_disabling_and_enabling_under_flow(engine, post, owner, installation):
    with Strict() as own, Strict() as platform:
        default = DefaultSender(
            host=platform.host,
            port=platform.port,
            security="none",
            username=None,
            password=None,
            from_address="noreply@platform.example",
        )
        object.__setattr__(installation.settings, "default_sender", default)
        post.through(own)
        sender = senders.route_now(installation, post.tenant.id).sender_id
        engine(TIMING)

        with Flow(post) as flow:
            while flow.runs:
                asked = time.monotonic()
                left = senders.disable(owner)
                answered = time.monotonic()
                assert (left.waiting, left.uncertain) == (0, 0)
                time.sleep(0.1)
                held_promise(own, asked, answered, time.monotonic())
                asked = time.monotonic()
                senders.activate(owner, sender, 1)
                answered = time.monotonic()
                time.sleep(0.1)
                held_promise(platform, asked, answered, time.monotonic())

        each_once(flow, own, platform)
        assert own.mails
        assert all(
            b"noreply@platform.example" in each.content for each in platform.mails
        )
        assert all(
            b"Reply-To: Acme <kim@example.org>" in m.content for m in platform.mails
        )
