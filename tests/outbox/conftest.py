"""A desk from which one test plays all sides of the outbox, step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from portal.services.actor import Actor, TenantRef
from portal.services.outbox import marks, recovery, results, schedule, wishes
from portal.services.outbox.claim import Claimed, claim, heartbeat
from portal.services.outbox.lanes import Means, Room
from portal.services.outbox.states import State
from portal.services.outbox.timing import Timing
from portal.services.outbox.verdict import Answer, Ending, Told, Verdict
from portal.store.models import (
    Attempt,
    AuditEvent,
    Message,
    Recipient,
    Route,
    SenderVersion,
)
from tests.outbox.sides import Side

if TYPE_CHECKING:
    from portal.services.installation import Installation
    from tests.people import Factory

T = TypeVar("T")
ROOM = Room(total=10, each=10)
MEANS = Means(platform=False, sandbox=False)
REPLY = {"code": 550, "enhanced": "5.1.1", "text": "5.1.1 No such user"}


class Desk:
    """One tenant with an active sender. Every step is a work of the writer."""

    def __init__(self, installation: Installation, make: Factory) -> None:
        self.installation = installation
        self.make = make
        self.engine = Actor(installation=installation, system="engine")
        self.tenant: TenantRef = make.tenant()
        self.version: SenderVersion = make.sender(self.tenant)
        self.timing = Timing(jitter=0)

    def run(self, work: Callable[[], T]) -> T:
        return self.installation.writer.run(work)

    def message(self, *to: str, **columns: Any) -> Message:
        return self.make.message(self.tenant, to=to or ("kim@example.com",), **columns)

    def claim(self, *messages: Message, owner: str = "worker-1") -> Claimed:
        found = self.claim_all(*messages, owner=owner)
        assert len(found) == 1
        return found[0]

    def claim_all(
        self,
        *messages: Message,
        owner: str = "worker-1",
        room: Room = ROOM,
        means: Means = MEANS,
    ) -> list[Claimed]:
        ids = [message.id for message in messages]
        work = partial(
            claim, owner=owner, means=means, room=room, timing=self.timing, ids=ids
        )
        return self.run(work)

    def heartbeat(self, *attempts: Claimed) -> frozenset[int]:
        ids = [each.attempt_id for each in attempts]
        return self.run(partial(heartbeat, ids, self.timing))

    def mark(
        self,
        attempt: Claimed,
        *,
        refused: Mapping[int, Verdict] | None = None,
        accepted: Collection[int] | None = None,
    ) -> bool:
        out = refused or {}
        ids = [each.id for each in attempt.targets if each.id not in out]
        work = partial(
            marks.mark,
            self.engine,
            attempt.attempt_id,
            accepted=ids if accepted is None else accepted,
            refused=out,
            timing=self.timing,
        )
        return self.run(work)

    def release(self, attempt: Claimed) -> bool:
        return self.run(partial(marks.release, self.engine, attempt.attempt_id))

    def record(
        self,
        attempt: Claimed,
        answer: Answer,
        verdict: Verdict | None = None,
        verdicts: Mapping[int, Verdict] | None = None,
        **more: Any,
    ) -> bool:
        ending = Ending(
            answer=answer,
            rest=verdict or VERDICTS[answer],
            verdicts=verdicts or {},
            told=Told(outcome=str(answer)),
            **more,
        )
        work = partial(
            results.record, self.engine, attempt.attempt_id, ending, self.timing
        )
        return self.run(work)

    def recover(
        self,
        *,
        dead: Collection[str] = (),
        by_lease: bool = False,
        held: Collection[int] = (),
    ) -> int:
        found = recovery.ended(dead=dead, by_lease=by_lease, held=held)
        work = partial(
            recovery.recover, self.engine, found, dead=dead, timing=self.timing
        )
        return self.run(work)

    def lease_ends(self, attempt: Claimed) -> int:
        """The lease of this attempt is over, and somebody notices."""
        Attempt.update(lease_until=1).where(Attempt.id == attempt.attempt_id).execute()
        return self.recover(by_lease=True)

    def retry(self) -> int:
        Recipient.update(retry_at=1).where(Recipient.retry_at.is_null(False)).execute()
        return self.run(partial(schedule.retry_uncertain, self.engine))

    def expire(self) -> int:
        Recipient.update(expires_at=1).execute()
        return self.run(partial(schedule.expire, self.engine))

    def cancel(self, message: Message) -> None:
        self.run(partial(wishes.cancel, self.engine, message.id))

    def decide(self, message: Message, to: State) -> int:
        ids = [row.id for row in self.recipients(message)]
        return self.run(partial(wishes.decide, self.engine, message.id, to, ids))

    def move_route(self) -> None:
        """An activation: the route's row alone."""
        Route.update(fence=Route.fence + 1).where(
            Route.tenant == self.tenant.id
        ).execute()

    def due_now(self, message: Message) -> None:
        Recipient.update(next_at=1).where(
            Recipient.message == message.id, Recipient.next_at.is_null(False)
        ).execute()

    def recipients(self, message: Message) -> list[Recipient]:
        query = Recipient.select().where(Recipient.message == message.id)
        return list(query.order_by(Recipient.position))

    def states(self, message: Message) -> list[str]:
        return [row.state for row in self.recipients(message)]

    def state(self, message: Message) -> str:
        return Message.get_by_id(message.id).state

    def attempt(self, claimed: Claimed) -> Attempt:
        return Attempt.get_by_id(claimed.attempt_id)

    def events(self, message: Message) -> list[str]:
        query = AuditEvent.select().where(AuditEvent.subject_id == message.public_id)
        return [row.event for row in query.order_by(AuditEvent.id)]

    def uncertain(self, message: Message) -> Claimed:
        """A claim, a mark, and no answer."""
        attempt = self.claim(message)
        assert self.mark(attempt)
        assert self.record(attempt, Answer.NONE)
        return attempt

    def uncertain_by_lease(self, message: Message) -> Claimed:
        """A claim and a mark; then the worker is slow and its lease ends."""
        attempt = self.claim(message)
        assert self.mark(attempt)
        assert self.lease_ends(attempt) == 1
        return attempt


DEFERRED = Verdict(to=State.DEFERRED, reply=REPLY | {"code": 450}, stage="rcpt_to")
FAILED = Verdict(to=State.FAILED, reply=REPLY, stage="rcpt_to")
VERDICTS = {
    Answer.BEFORE: DEFERRED,
    Answer.KEPT: Verdict(to=State.SENT, counted=False),
    Answer.DEFERRED: DEFERRED,
    Answer.REFUSED: FAILED,
    Answer.NOT_WRITTEN: Verdict(to=State.DEFERRED, counted=False),
    Answer.NONE: Verdict(to=State.UNCERTAIN),
}


@pytest.fixture
def desk(installation: Installation, make: Factory) -> Desk:
    return Desk(installation, make)


@pytest.fixture
def sides(desk: Desk) -> Iterator[tuple[Side, Side]]:
    """Two connections with a transaction each, on PostgreSQL."""
    found = Side(), Side()
    yield found
    for side in found:
        side.leave()
    for side in found:
        side.close()
