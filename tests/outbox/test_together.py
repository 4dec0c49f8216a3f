"""Marks, results and accepts of several mails in one call: as if each came alone."""

from __future__ import annotations

import dataclasses

import pytest

from portal.address import parse_named
from portal.errors import TooMany
from portal.mail.types import Draft
from portal.services import audit, keys
from portal.services.outbox import marks, results
from portal.services.outbox.marks import Mark
from portal.services.outbox.results import Result
from portal.services.outbox.sql import Raced
from portal.services.outbox.verdict import Answer, Ending, Told
from portal.services.senders.routing import route_now
from portal.services.sending.planning import plan, sender_of
from portal.services.sending.writing import Accepting, write_all
from portal.store.alike import Alike
from portal.store.fields import now
from portal.store.models import Counter, Message, Recipient, Route, Tenant
from tests.outbox.conftest import VERDICTS
from tests.store.writing import Held

pytestmark = pytest.mark.usefixtures("both_databases")
LEE = parse_named("lee@example.com")


def _marking(desk, attempt, **more):
    return Mark(
        actor=desk.engine,
        attempt_id=attempt.attempt_id,
        accepted=[target.id for target in attempt.targets],
        refused={},
        timing=desk.timing,
        **more,
    )


def _ending(desk, attempt, answer):
    told = Told(outcome=str(answer))
    ending = Ending(answer=answer, rest=VERDICTS[answer], told=told)
    return Result(desk.engine, attempt.attempt_id, ending, desk.timing)


def test_marks_of_several_mails_and_of_two_tenants(desk):
    """One whose route has moved and one that somebody cancelled are refused; the
    others have their mark."""
    other = desk.make.tenant("Other Ltd")
    desk.make.sender(other)
    mails = [desk.message(), desk.message("a@example.com", "b@example.com")]
    gone, away = desk.message(), desk.make.message(other, to=("c@example.com",))
    attempts = [desk.claim(each) for each in (*mails, gone, away)]
    Recipient.update(cancel_asked=True).where(Recipient.message == gone).execute()
    Route.update(fence=Route.fence + 1).where(Route.tenant == other.id).execute()

    granted = desk.run(
        lambda: marks.mark_all([_marking(desk, each) for each in attempts])
    )

    assert granted == [True, True, False, False]
    dots = [desk.attempt(each).dot_at is not None for each in attempts]
    assert dots == granted
    assert [*desk.states(gone), *desk.states(away)] == ["cancelled", "queued"]


def test_results_of_several_mails_and_one_that_came_before(desk):
    mails = [desk.message() for _ in range(4)]
    attempts = [desk.claim(each) for each in mails]
    for attempt in attempts[:3]:
        desk.mark(attempt)
    desk.record(attempts[0], Answer.KEPT)
    answers = [Answer.REFUSED, Answer.KEPT, Answer.NONE, Answer.BEFORE]

    written = desk.run(
        lambda: results.record_all(
            [
                _ending(desk, attempt, answer)
                for attempt, answer in zip(attempts, answers, strict=True)
            ]
        )
    )

    assert written == [False, True, True, True]
    states = [desk.states(each)[0] for each in mails]
    assert states == ["sent", "sent", "uncertain", "deferred"]
    assert desk.events(mails[1])[-1] == "email.sent"
    chain = audit.verify(dataclasses.replace(desk.engine, tenant=desk.tenant))
    assert chain.broken_at is None


def test_two_attempts_of_one_mail_are_done_one_after_the_other(desk):
    """Each has to see what the other did."""
    message = desk.message("a@example.com", "b@example.com")
    slow = desk.claim(message)
    desk.mark(slow)
    desk.lease_ends(slow)
    desk.retry()
    newer = desk.claim(message, owner="worker-2")
    desk.mark(newer)
    both = [_ending(desk, each, Answer.KEPT) for each in (slow, newer)]

    with pytest.raises(Raced, match="two attempts of one message"):
        desk.run(lambda: results.record_all(both))
    hold = Held(desk.installation.writer)
    jobs = [
        desk.installation.writer.submit(Alike(results.record_all, each))
        for each in both
    ]
    hold.release()

    assert [job.result(20) for job in jobs] == [True, True]
    assert desk.states(message) == ["sent", "sent"]


def _caller(desk, make):
    owner = make.actor("owner", tenant=desk.tenant.name, email="kim@example.org")
    made = keys.make(owner, name="script")
    return keys.authenticate(desk.installation, made.key, "192.0.2.7")


def _wanted(actor, desk, to: str) -> Accepting:
    route, at = route_now(desk.installation, desk.tenant.id), now()
    draft = Draft(to=(parse_named(to),), subject="Hello", text="Hi.")
    made = plan(actor, draft, route, sender_of(actor, route), at=at)
    return Accepting(actor=actor, plans=(made,), route=route, at=at)


def test_requests_of_one_key_are_written_as_one(desk, make):
    actor = _caller(desk, make)
    wanted = [_wanted(actor, desk, f"{name}@example.com") for name in "abc"]

    written = desk.run(lambda: write_all(wanted))

    assert [each.messages[0].id for each in written] == [
        each.plans[0].public_id for each in wanted
    ]
    rows = {row.id: row.public_id for row in Message.select()}
    due = [rows[key] for each in written for key in each.due_ids]
    assert sorted(due) == sorted(rows.values())
    assert Counter.get(Counter.name == f"quota:{desk.tenant.id}").used == 3


def test_a_quota_that_holds_one_more_refuses_the_second(desk, make):
    Tenant.update(quota=1).where(Tenant.id == desk.tenant.id).execute()
    actor = _caller(desk, make)
    hold = Held(desk.installation.writer)
    jobs = [
        desk.installation.writer.submit(
            Alike(write_all, _wanted(actor, desk, f"{name}@example.com"))
        )
        for name in "ab"
    ]
    hold.release()

    assert len(jobs[0].result(20).messages) == 1
    assert isinstance(jobs[1].exception(20), TooMany)
    assert Message.select().count() == 1
