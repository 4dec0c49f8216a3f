"""A recipient is charged once: no retry, no replay, no cut-over costs it again."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from portal.address import parse_named
from portal.errors import TooMany
from portal.mail.types import Draft
from portal.services import quota, recount, senders, sending
from portal.services.sending import Idempotency
from portal.store.models import Attempt, Tenant
from tests.engine.conftest import until
from tests.relays.sink import Sink

pytestmark = pytest.mark.usefixtures("both_databases")
TO = (parse_named("lee@example.com"), parse_named("pat@example.com"))


@dataclass
class Unwilling(Sink):
    """Refuses one for now, then all, then hangs up behind the dot, then takes."""

    dots: int = 0
    put_off: set[str] = field(default_factory=lambda: {"pat@example.com"})

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.put_off:
            self.put_off.remove(address)
            return "450 4.2.1 Try again later"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server, session, envelope) -> str:
        self.dots += 1
        if self.dots == 1:
            return "451 4.3.0 Not now"
        if self.dots == 2:
            server.transport.abort()
            return "421 4.3.2 Gone"
        return await super().handle_DATA(server, session, envelope)


def accept(owner, key: str, *to):
    once = Idempotency(key=key, fingerprint=key, answer=lambda _: (202, "{}"))
    return sending.accept(
        owner, [Draft(to=to or TO, subject="Hello", text="Hi.")], idempotency=once
    )


def test_what_is_tried_again_and_asked_again_is_charged_once(engine, owner, make):
    Tenant.update(quota=2).where(Tenant.id == owner.here.id).execute()
    with Unwilling() as relay:
        make.sender(owner.here, host=relay.host, port=relay.port)
        engine()

        message = accept(owner, "order-17").messages[0]
        until(lambda: sending.read(owner, message.id).status == "sent")
        replays = [accept(owner, "order-17").replay for _ in range(3)]

    assert all(replays)
    assert Attempt.select().count() >= 3
    assert relay.dots >= 3
    assert quota.used(owner.here) == 2
    assert recount.differences() == []
    with pytest.raises(TooMany):
        accept(owner, "order-18", TO[0])
    assert quota.used(owner.here) == 2


def test_a_cut_over_is_not_charged(engine, owner, make, sink, nobody):
    """What waited for one sender goes through the next."""
    other = sink()
    make.sender(owner.here, host=nobody.host, port=nobody.port)
    engine()
    message = accept(owner, "order-17").messages[0]
    until(lambda: Attempt.select().count() > 0)

    version = make.sender(owner.here, active=False, host=other.host, port=other.port)
    senders.activate(owner, version.sender.public_id, 1, patience_s=0)
    owner.installation.bell.ring()
    until(lambda: sending.read(owner, message.id).status == "sent")

    assert quota.used(owner.here) == 2
    assert recount.differences() == []
