"""What a relay said, and what becomes of the mail by it."""

from __future__ import annotations

import pytest

from portal.delivery.types import (
    Facts,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    RecipientResult,
    RecipientStatus,
    Reply,
    Stage,
    Status,
)
from portal.services.outbox.claim import Target
from portal.services.outbox.classify import judge, refusals
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Wait

KIM = Target(id=1, address="kim@example.com", tries=0)
LEE = Target(id=2, address="lee@example.com", tries=0)


def reply(code: int, enhanced: str | None = None) -> Reply:
    return Reply(code=code, text="words", enhanced=enhanced)


def failed(
    stage: Stage,
    kind: FailureKind = FailureKind.REPLY,
    said: Reply | None = None,
    phase: Phase = Phase.BEFORE_DATA,
    recipients: tuple[RecipientResult, ...] = (),
) -> Outcome:
    return Outcome(
        status=Status.FAILED,
        stage=stage,
        steps=(),
        recipients=recipients,
        facts=Facts(),
        transcript=(),
        phase=phase,
        failure=Failure(stage=stage, kind=kind, words="", reply=said, phase=phase),
    )


def answered(code: int) -> Outcome:
    return Outcome(
        status=Status.SENT,
        stage=None,
        steps=(),
        recipients=(),
        facts=Facts(),
        transcript=(),
        phase=Phase.ANSWERED,
        reply=reply(code),
    )


def before(outcome: Outcome, *, warm: bool = False):
    return judge(outcome, (KIM, LEE), marked=False, warm=warm)


@pytest.mark.parametrize(
    "outcome",
    [
        failed(Stage.DNS, FailureKind.NET),
        failed(Stage.DNS, FailureKind.FORBIDDEN),
        failed(Stage.CONNECT, FailureKind.TIMEOUT),
        failed(Stage.TLS, FailureKind.TLS),
        failed(Stage.BANNER, said=reply(554)),
        failed(Stage.EHLO, FailureKind.CLOSED),
        failed(Stage.STARTTLS, FailureKind.REFUSED_BY_US),
        failed(Stage.AUTH, said=reply(535, "5.7.8")),
        failed(Stage.MAIL_FROM, said=reply(530, "5.7.0")),
        failed(Stage.RCPT_TO, said=reply(421, "4.7.0")),
        failed(Stage.DATA, said=reply(421)),
    ],
)
def test_trouble_of_the_sender_counts_no_try(outcome):
    found = before(outcome)

    assert found.sender_trouble
    assert found.rest.to is State.DEFERRED
    assert found.rest.wait is Wait.SENDER
    assert not found.rest.counted


@pytest.mark.parametrize(
    ("outcome", "to", "counted"),
    [
        (failed(Stage.MAIL_FROM, said=reply(451)), State.DEFERRED, True),
        (failed(Stage.MAIL_FROM, said=reply(550)), State.FAILED, True),
        (failed(Stage.MAIL_FROM, FailureKind.REFUSED_BY_US), State.FAILED, True),
        (failed(Stage.MAIL_FROM, FailureKind.CLOSED), State.DEFERRED, True),
        (failed(Stage.RCPT_TO, FailureKind.TIMEOUT), State.DEFERRED, True),
        (failed(Stage.DATA, said=reply(451)), State.DEFERRED, True),
        (failed(Stage.DATA, said=reply(554)), State.FAILED, True),
        (failed(Stage.DATA, said=reply(250)), State.DEFERRED, True),
        (failed(Stage.POST_DATA, FailureKind.WITHDRAWN), State.DEFERRED, False),
    ],
)
def test_trouble_of_the_mail_before_the_dot(outcome, to, counted):
    found = before(outcome)

    assert not found.sender_trouble
    assert (found.answer, found.rest.to) == (Answer.BEFORE, to)
    assert found.rest.counted is counted


def test_a_warm_session_that_was_closed_costs_nothing():
    found = before(failed(Stage.MAIL_FROM, FailureKind.CLOSED), warm=True)

    assert (found.rest.to, found.rest.wait) == (State.QUEUED, Wait.NOT)
    assert not found.sender_trouble


def test_a_warm_session_that_says_421_costs_nothing():
    found = before(failed(Stage.MAIL_FROM, said=reply(421)), warm=True)

    assert (found.rest.to, found.sender_trouble) == (State.QUEUED, False)


def test_an_error_of_ours_is_counted_apart():
    assert before(failed(Stage.DATA, FailureKind.INTERNAL)).rest.internal


def test_five_refusals_at_mail_are_worth_remembering():
    assert before(failed(Stage.MAIL_FROM, said=reply(550))).mail_refused
    assert not before(failed(Stage.MAIL_FROM, said=reply(451))).mail_refused


def test_all_recipients_refused_each_goes_by_its_own_code():
    found = before(
        failed(
            Stage.RCPT_TO,
            said=reply(550),
            recipients=(
                RecipientResult(
                    address=KIM.address,
                    status=RecipientStatus.FAILED,
                    reply=reply(550, "5.1.1"),
                ),
                RecipientResult(
                    address=LEE.address,
                    status=RecipientStatus.DEFERRED,
                    reply=reply(450, "4.2.1"),
                ),
            ),
        )
    )

    assert found.verdicts[KIM.id].to is State.FAILED
    assert found.verdicts[LEE.id].to is State.DEFERRED


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (250, Answer.KEPT),
        (252, Answer.KEPT),
        (299, Answer.KEPT),
        (354, Answer.NONE),
        (451, Answer.DEFERRED),
        (552, Answer.REFUSED),
        (554, Answer.REFUSED),
    ],
)
def test_after_the_dot_the_first_digit_decides(code, answer):
    assert judge(answered(code), (KIM,), marked=True, warm=False).answer is answer


@pytest.mark.parametrize("kind", [FailureKind.CLOSED, FailureKind.TIMEOUT])
def test_no_answer_to_the_dot_is_nobody_knows(kind):
    outcome = failed(Stage.POST_DATA, kind, phase=Phase.DOT)

    assert judge(outcome, (KIM,), marked=True, warm=True).answer is Answer.NONE


def test_a_marked_mail_whose_dot_was_surely_not_written():
    outcome = failed(Stage.POST_DATA, FailureKind.CLOSED, phase=Phase.CONTENT)

    found = judge(outcome, (KIM,), marked=True, warm=False)

    assert (found.answer, found.rest.to) == (Answer.NOT_WRITTEN, State.DEFERRED)


@pytest.mark.parametrize(
    ("code", "answer"), [(552, Answer.REFUSED), (452, Answer.DEFERRED)]
)
def test_a_body_that_is_refused_before_its_dot_has_its_answer(code, answer):
    outcome = failed(Stage.DATA, said=reply(code), phase=Phase.CONTENT)

    assert judge(outcome, (KIM,), marked=True, warm=False).answer is answer


@pytest.mark.parametrize("code", [450, 451])
def test_a_greylisted_recipient_waits_longer(code):
    said = RecipientResult(
        address=KIM.address,
        status=RecipientStatus.DEFERRED,
        reply=reply(code, "4.7.1"),
    )

    found = refusals((said,), (KIM, LEE), split=True)

    assert found[KIM.id].wait is Wait.GREYLIST
    assert LEE.id not in found


@pytest.mark.parametrize(("code", "enhanced"), [(452, "4.5.3"), (552, None)])
def test_too_many_recipients_are_the_next_transaction(code, enhanced):
    """RFC 5321 §4.5.3.1.10: 552 here means 452."""
    said = RecipientResult(
        address=LEE.address,
        status=RecipientStatus.DEFERRED,
        reply=reply(code, enhanced),
    )

    found = refusals((said,), (KIM, LEE), split=True)[LEE.id]

    assert (found.to, found.wait, found.counted) == (State.DEFERRED, Wait.NOT, False)
