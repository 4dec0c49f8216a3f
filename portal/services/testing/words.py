"""Steps and outcomes of a live test as JSON of its row, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.delivery.shown import (
    presented_json,
    recipient_json,
    reply_json,
    tls_json,
)
from portal.delivery.types import (
    Failure,
    Line,
    Outcome,
    Presented,
    Relay,
    Reply,
    Stage,
    Status,
    Step,
    StepStatus,
)


def outcome_json(
    outcome: Outcome, *, sentence: str, message_id: str | None
) -> dict[str, Any]:
    """What the page needs when a test is over; diagnoses are put in beside."""
    return {
        "status": outcome.status.value,
        "stage": outcome.stage.value if outcome.stage else None,
        "sentence": sentence,
        "message_id": message_id,
        "reply": reply_json(outcome.reply),
        "tls": tls_json(outcome.facts.tls),
        "ehlo": list(outcome.facts.ehlo),
        "presented": [presented_json(each) for each in outcome.facts.presented],
        "recipients": [recipient_json(each) for each in outcome.recipients],
        "failure": _failure_json(outcome.failure),
        "transcript": [
            [each.who, each.text, each.failed] for each in outcome.transcript
        ],
    }


def read_step(row: Mapping[str, Any]) -> Step:
    return Step(
        stage=Stage(row["stage"]),
        status=StepStatus(row["status"]),
        ms=row["ms"],
        said=row["said"],
        reply=_read_reply(row["reply"]),
        detail=row["detail"],
    )


def read_transcript(rows: Sequence[Sequence[Any]]) -> tuple[Line, ...]:
    return tuple(Line(who=who, text=text, failed=bad) for who, text, bad in rows)


def read_presented(rows: Sequence[Mapping[str, Any]]) -> tuple[Presented, ...]:
    return tuple(
        Presented(
            **{
                **row,
                "not_before": datetime.fromisoformat(row["not_before"]),
                "not_after": datetime.fromisoformat(row["not_after"]),
            }
        )
        for row in rows
    )


def in_a_sentence(status: Status, relay: Relay, to: str, *, captured: bool) -> str:
    """The end of a test, for people. Sent is the relay's word, never "delivered"."""
    if status is Status.SENT and captured:
        return (
            f"A test message was accepted by the sandbox for {to}. It was captured:"
            " nobody outside got it."
        )
    if status is Status.SENT:
        return f"A test message was accepted by {relay.host} for {to}."
    if status is Status.UNCERTAIN:
        return (
            f"{relay.host} has not confirmed: the whole test message went out, then no"
            f" answer came. It may reach {to}, or not."
        )
    if status is Status.STOPPED:
        return "The test was stopped. No test message was sent."
    return "No test message was sent."


def _read_reply(row: Mapping[str, Any] | None) -> Reply | None:
    if row is None:
        return None
    return Reply(code=row["code"], enhanced=row["enhanced"], text=row["text"])


def _failure_json(failure: Failure | None) -> dict[str, Any] | None:
    """Without the remedy: only some may read it, so it is kept apart."""
    if failure is None:
        return None
    return {
        "stage": failure.stage.value,
        "kind": failure.kind.value,
        "words": failure.words,
        "exception": failure.exception,
        "reply": reply_json(failure.reply),
    }
