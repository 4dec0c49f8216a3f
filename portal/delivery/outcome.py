"""The end of a conversation, put together from what its parts know."""

from __future__ import annotations

from portal.delivery.ladder import Ladder
from portal.delivery.transaction import Transaction
from portal.delivery.transcript import Transcript
from portal.delivery.types import (
    Facts,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    RecipientResult,
    RecipientStatus,
    Stage,
    Status,
)
from portal.mail.types import Envelope


def outcome_of(
    ladder: Ladder,
    transaction: Transaction | None,
    envelope: Envelope,
    facts: Facts,
    transcript: Transcript,
    *,
    failure: Failure | None,
    stopped: bool,
) -> Outcome:
    recipients = _recipients(transaction, envelope, failure)
    status = _status(recipients, failure, stopped)
    if status is Status.PARTIAL:
        failure = _refused_some(recipients)
    stage = failure.stage if failure else None
    return Outcome(
        status=status,
        stage=ladder.stage if stopped else stage,
        steps=ladder.steps(),
        recipients=recipients,
        facts=facts,
        transcript=transcript.lines(),
        phase=transaction.phase if transaction else Phase.BEFORE_DATA,
        reply=transaction.reply if transaction else None,
        failure=failure,
    )


def _recipients(
    transaction: Transaction | None, envelope: Envelope, failure: Failure | None
) -> tuple[RecipientResult, ...]:
    if transaction is None:
        return tuple(
            RecipientResult(address=address, status=RecipientStatus.UNTRIED)
            for address in envelope.recipients
        )
    if failure is None:
        return tuple(transaction.results)
    left = _left_open(transaction.phase, failure)
    return tuple(
        RecipientResult(address=result.address, status=left, reply=result.reply)
        if result.status is RecipientStatus.ACCEPTED
        else result
        for result in transaction.results
    )


def _left_open(phase: Phase, failure: Failure) -> RecipientStatus:
    """What becomes of a recipient that was accepted and has no verdict."""
    if phase is Phase.DOT:
        return RecipientStatus.UNCERTAIN
    if failure.kind is FailureKind.WITHDRAWN:
        return RecipientStatus.UNTRIED
    return RecipientStatus.DEFERRED


def _status(
    recipients: tuple[RecipientResult, ...], failure: Failure | None, stopped: bool
) -> Status:
    statuses = {result.status for result in recipients}
    if stopped:
        return Status.STOPPED
    if RecipientStatus.UNCERTAIN in statuses:
        return Status.UNCERTAIN
    if failure is not None:
        return Status.FAILED
    return Status.SENT if statuses == {RecipientStatus.SENT} else Status.PARTIAL


def _refused_some(recipients: tuple[RecipientResult, ...]) -> Failure | None:
    """The first refusal among recipients of whom others were sent to."""
    for result in recipients:
        if result.status is not RecipientStatus.SENT and result.reply is not None:
            return Failure(
                stage=Stage.RCPT_TO,
                kind=FailureKind.REPLY,
                words=str(result.reply),
                reply=result.reply,
                phase=Phase.ANSWERED,
            )
    return None
