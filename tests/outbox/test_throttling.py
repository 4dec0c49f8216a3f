"""A relay that asks for less: the sender slows down, and nothing fails."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from portal.delivery.types import Phase, Reply, Stage
from portal.services.outbox import standing
from portal.services.outbox.classify import judge
from portal.services.outbox.concluding import Lesson, conclude
from portal.services.outbox.lanes import Means
from portal.services.outbox.states import State
from portal.services.outbox.throttling import asks_for_less, slowed
from portal.services.outbox.verdict import Answer, Ending, Told, Verdict, Wait
from portal.store.fields import now
from portal.store.models import Standing
from tests.outbox.test_classify import KIM, failed, reply

both = pytest.mark.usefixtures("both_databases")


@pytest.mark.parametrize(
    ("stage", "code", "enhanced", "cause", "less"),
    [
        (Stage.BANNER, 421, None, "too_many_connections", True),
        (Stage.AUTH, 454, "4.7.0", "auth_rate_limited", True),
        (Stage.AUTH, 454, "4.7.0", "auth_temporary_failure", False),
        (Stage.MAIL_FROM, 450, "4.7.1", "rate_limited", True),
        (Stage.MAIL_FROM, 432, "4.3.2", "rate_limited", True),
        (Stage.MAIL_FROM, 451, "4.3.2", "server_unavailable", True),
        (Stage.BANNER, 421, "4.3.2", "server_unavailable", False),
        (Stage.POST_DATA, 421, "4.7.28", "content_rejected_spam", True),
        (Stage.RCPT_TO, 450, "4.2.1", "rate_limited", False),  # of the mailbox
        (Stage.RCPT_TO, 451, "4.7.1", "greylisted", False),
        (Stage.MAIL_FROM, 550, "5.7.1", "rate_limited", False),  # it has refused
        (Stage.MAIL_FROM, 451, None, None, False),  # unknown text never matters
    ],
)
def test_code_and_diagnosis_together_ask_for_less(stage, code, enhanced, cause, less):
    outcome = failed(stage, said=reply(code, enhanced))

    assert asks_for_less(outcome, cause) is less


def test_without_an_answer_nothing_is_asked():
    assert not asks_for_less(failed(Stage.CONNECT, said=None), "rate_limited")


def test_a_slowed_mail_waits_for_its_own_back_off_at_least():
    outcome = failed(Stage.MAIL_FROM, said=reply(450, "4.7.1"))
    found = slowed(judge(outcome, [KIM], marked=False, warm=False))

    assert (found.rest.to, found.rest.wait) == (State.DEFERRED, Wait.THROTTLE)
    assert found.rest.counted
    assert found.throttled


def test_a_sender_slowed_at_sign_in_is_not_in_trouble():
    outcome = failed(Stage.AUTH, said=Reply(code=454, text="x", enhanced="4.7.0"))
    found = slowed(judge(outcome, [KIM], marked=False, warm=False))

    assert not found.sender_trouble
    assert (found.rest.wait, found.rest.counted) == (Wait.SENDER, False)


def test_a_refusal_behind_the_mark_is_slowed_too():
    outcome = failed(Stage.POST_DATA, said=reply(451, "4.7.28"), phase=Phase.CONTENT)
    found = slowed(judge(outcome, [KIM], marked=True, warm=False))

    assert (found.answer, found.rest.wait) == (Answer.DEFERRED, Wait.THROTTLE)


@both
def test_each_throttling_halves_the_share_and_lengthens_the_pause(desk):
    pauses = []
    for _ in range(3):
        pauses.append(desk.run(partial(standing.throttle, "sender 1", desk.timing)))
        Standing.update(held_until=None).execute()

    row = Standing.get_by_id("sender 1")
    assert [pause.total_seconds() for pause in pauses] == [10, 20, 40]
    assert (row.share, row.throttles) == (12, 3)


@both
def test_mails_under_way_together_are_throttled_once(desk):
    first = desk.run(partial(standing.throttle, "sender 1", desk.timing))
    second = desk.run(partial(standing.throttle, "sender 1", desk.timing))

    assert timedelta() < second <= first
    assert Standing.get_by_id("sender 1").share == 50


def test_the_share_rises_while_nobody_complains(desk):
    desk.run(partial(standing.throttle, "sender 1", desk.timing))
    row = standing.read("sender 1")
    at = row.throttled_at

    shares = [
        standing.share_of(row, at + timedelta(minutes=minutes), desk.timing)
        for minutes in (0, 1, 3, 60)
    ]

    assert shares == [50, 60, 80, 100]


def throttled(desk, attempt):
    ending = Ending(
        answer=Answer.BEFORE,
        rest=Verdict(to=State.DEFERRED, wait=Wait.THROTTLE),
        told=Told(outcome="deferred"),
    )
    lesson = Lesson(throttled=True)
    work = partial(conclude, desk.engine, attempt, ending, lesson, desk.timing)
    assert desk.run(work)


@both
def test_the_queue_of_the_sender_stands_still_and_no_other(desk, make):
    first, second = desk.message(), desk.message()
    other = make.tenant("Other Ltd")
    make.sender(other)
    elsewhere = make.message(other)
    attempt = desk.claim(first)

    throttled(desk, attempt)

    assert [each.message_id for each in desk.claim_all()] == [elsewhere.id]
    (waiting,) = desk.recipients(second)
    assert (waiting.state, waiting.tries) == ("queued", 0)
    (slowed_one,) = desk.recipients(first)
    assert slowed_one.state == "deferred"
    assert slowed_one.next_at >= now() + timedelta(seconds=50)  # its own back-off

    Standing.update(held_until=1).execute()
    (again,) = desk.claim_all()
    assert again.share == 50


@both
def test_half_the_share_is_half_of_each_limit(desk):
    desk.make.sender(desk.tenant, pacing={"per_hour": 4})
    first = desk.message()
    for _ in range(4):
        desk.message()
    throttled(desk, desk.claim(first))
    Standing.update(held_until=1).execute()

    assert len(desk.claim_all()) == 1  # one of two; the first counted


@both
def test_the_platform_is_slowed_for_all_tenants(desk, make):
    from portal.store.models import Route

    Route.update(active_version=None).execute()
    desk.message()
    other = make.tenant("Other Ltd")
    make.message(other)
    means = Means(platform=True, sandbox=False)
    attempt = desk.claim_all(means=means)[0]

    throttled(desk, attempt)
    desk.release(attempt)

    assert desk.claim_all(means=means) == []
    assert standing.hold_of(other.id).held_why == "throttle"


@both
def test_failures_in_a_row_count_once_a_pause(desk):
    fail = partial(standing.failed, "sender 1", desk.timing, alone=False)
    refuse = partial(standing.failed, "sender 1", desk.timing, alone=True)

    counts = [desk.run(fail), desk.run(fail), desk.run(refuse)]
    Standing.update(failed_at=1).execute()
    counts.append(desk.run(fail))
    desk.run(partial(standing.works, "sender 1"))
    counts.append(desk.run(fail))

    assert counts == [1, 1, 2, 3, 1]
