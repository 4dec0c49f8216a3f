"""A live test as its page shows it, while it runs and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.delivery.types import Line, Presented, Step
from portal.errors import Missing
from portal.services.actor import Actor, Role
from portal.services.senders.fields import SenderFields, stored_fields
from portal.services.testing.mending import CHECKING, TRIED_WITHIN
from portal.services.testing.preflight import AskedView, read_asked
from portal.services.testing.words import (
    read_presented,
    read_step,
    read_transcript,
)
from portal.store.fields import now
from portal.store.models import LiveTest, Sender, SenderVersion

OVERDUE_AFTER = timedelta(seconds=10)
NO_TEST = "There is no such test, or it is older than a day."


@dataclass(frozen=True, slots=True, kw_only=True)
class TestView:
    """`state` is waiting, running, stopping or done; the rest grows with it.

    `overdue`: no engine has taken it yet. `status` is an outcome's: sent, failed,
    uncertain or stopped; a preflight that was refused nothing is passed, and `asked`
    is what it heard. `remedy` is the setting that allows a forbidden relay and
    reaches owners only, and so do the words of a diagnosis that name it.
    `presented` is the chain of a relay that is not trusted, its own one first.
    `diagnosis` has the shape of `portal explain --json`; while it is `checking`, its
    repairs are being tried and none is offered yet.
    """

    # pytest takes a class that begins with "Test" for tests.
    __test__ = False

    id: str
    kind: str
    state: str
    overdue: bool
    to: str
    sender_id: str | None
    version: int | None
    fields: SenderFields
    steps: tuple[Step, ...]
    created_at: datetime
    ended_at: datetime | None
    elapsed_ms: int | None
    captured: bool
    status: str | None
    stage: str | None
    sentence: str | None
    asked: tuple[AskedView, ...]
    diagnosis: Mapping[str, Any] | None
    checking: bool
    remedy: str | None
    tls: Mapping[str, Any] | None
    presented: tuple[Presented, ...]
    transcript: tuple[Line, ...]

    @property
    def is_final(self) -> bool:
        return self.state == "done"


def read(actor: Actor, test_id: str) -> TestView:
    """Raises Missing."""
    actor.require(Role.VIEWER)
    return _view(actor, _find(actor, test_id))


def latest(actor: Actor, sender_id: str) -> TestView | None:
    """The newest test of a sender that is still kept."""
    actor.require(Role.VIEWER)
    found = (
        LiveTest.select()
        .join(Sender)
        .where(LiveTest.tenant == actor.here.id, Sender.public_id == sender_id)
        .order_by(LiveTest.id.desc())
        .first()
    )
    return _view(actor, found) if found else None


def stop(actor: Actor, test_id: str) -> None:
    """One that waits ends at once; one that runs is told, and ends in its time."""
    actor.require(Role.ADMIN)
    test = _find(actor, test_id)
    stopped = {"status": "stopped", "stage": None, "sentence": "The test was stopped."}
    ended = (
        LiveTest.update(state="done", ended_at=now(), outcome=stopped)
        .where(LiveTest.id == test.id, LiveTest.state == "waiting")
        .execute()
    )
    if not ended:
        LiveTest.update(state="stopping").where(
            LiveTest.id == test.id, LiveTest.state == "running"
        ).execute()


def _find(actor: Actor, test_id: str) -> LiveTest:
    found: LiveTest | None = LiveTest.get_or_none(
        LiveTest.public_id == test_id, LiveTest.tenant == actor.here.id
    )
    if found is None:
        raise Missing(NO_TEST)
    return found


def _view(actor: Actor, test: LiveTest) -> TestView:
    kept = test.outcome or {}
    private = kept.get("for_owners") if _may_read_remedy(actor) else None
    sender = Sender.get_or_none(Sender.id == test.sender_id)
    version = SenderVersion.get_or_none(SenderVersion.id == test.version_id)
    return TestView(
        id=test.public_id,
        kind=test.kind,
        state=test.state,
        overdue=test.state == "waiting" and test.created_at < now() - OVERDUE_AFTER,
        to=test.to_address,
        sender_id=sender.public_id if sender else None,
        version=version.number if version else None,
        fields=stored_fields(test.settings),
        steps=tuple(read_step(row) for row in test.steps),
        created_at=test.created_at,
        ended_at=test.ended_at,
        elapsed_ms=_elapsed_ms(test),
        captured=bool(kept.get("captured")),
        status=kept.get("status"),
        stage=kept.get("stage"),
        sentence=kept.get("sentence"),
        diagnosis=(private or kept).get("diagnosis"),
        asked=read_asked(kept.get("asked") or ()),
        checking=_is_checking(test),
        remedy=private["remedy"] if private else None,
        tls=kept.get("tls"),
        presented=read_presented(kept.get("presented") or ()),
        transcript=read_transcript(kept.get("transcript") or ()),
    )


def _is_checking(test: LiveTest) -> bool:
    begun = bool((test.outcome or {}).get(CHECKING))
    return begun and test.ended_at is not None and now() < test.ended_at + TRIED_WITHIN


def _may_read_remedy(actor: Actor) -> bool:
    operator = actor.person is not None and actor.person.is_operator
    return actor.system is not None or actor.role is Role.OWNER or operator


def _elapsed_ms(test: LiveTest) -> int | None:
    if test.started_at is None or test.ended_at is None:
        return None
    return int((test.ended_at - test.started_at) / timedelta(milliseconds=1))
