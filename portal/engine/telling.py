"""What people are shown of an attempt: outcome, words, diagnosis, transcript."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from portal.delivery.shown import reply_json
from portal.delivery.types import (
    Facts,
    Failed,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    RecipientResult,
    Relay,
    Stage,
    Status,
)
from portal.diagnosis.words import diagnosis_json
from portal.services import knowledge
from portal.services.installation import Installation
from portal.services.outbox.classify import Judgement
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Told

log = logging.getLogger(__name__)


def as_outcome(failed: Failed) -> Outcome:
    """A connection that did not come about, as the end of a submission."""
    return Outcome(
        status=Status.FAILED,
        stage=failed.failure.stage,
        steps=failed.steps,
        recipients=(),
        facts=failed.facts,
        transcript=failed.transcript,
        phase=Phase.BEFORE_DATA,
        failure=failed.failure,
    )


def refused_some(refused: Sequence[RecipientResult], facts: Facts) -> Outcome | None:
    """The refusals of RCPT alone, for their diagnosis at the mark."""
    first = next((row for row in refused if row.reply is not None), None)
    if first is None or first.reply is None:
        return None
    failure = Failure(
        stage=Stage.RCPT_TO,
        kind=FailureKind.REPLY,
        words=str(first.reply),
        reply=first.reply,
    )
    return Outcome(
        status=Status.FAILED,
        stage=Stage.RCPT_TO,
        steps=(),
        recipients=tuple(refused),
        facts=facts,
        transcript=(),
        phase=Phase.BEFORE_DATA,
        failure=failure,
    )


def told(
    installation: Installation,
    outcome: Outcome,
    *,
    word: str,
    relay: Relay | None,
    provider: str | None,
    ms: int,
) -> Told:
    failure = outcome.failure
    reply = outcome.reply or (failure.reply if failure else None)
    return Told(
        outcome=word,
        stage=outcome.stage,
        relay=None if relay is None else f"{relay.host}:{relay.port}",
        reply=reply_json(reply),
        failure=None if failure is None else _failure(failure),
        diagnosis=_diagnosis(installation, outcome, relay, provider),
        ms=ms,
        transcript=tuple(
            (line.who, line.text, line.failed) for line in outcome.transcript
        ),
    )


def word_for(judgement: Judgement, *, some_refused: bool) -> str:
    """The outcome of an attempt in one word."""
    if judgement.answer is Answer.KEPT:
        return Status.PARTIAL if some_refused else Status.SENT
    if judgement.answer is Answer.NONE:
        return Status.UNCERTAIN
    ends = {judgement.rest.to, *(row.to for row in judgement.verdicts.values())}
    return State.FAILED if ends == {State.FAILED} else State.DEFERRED


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "kind": str(failure.kind),
        "words": failure.words,
        "exception": failure.exception,
    }


def _diagnosis(
    installation: Installation,
    outcome: Outcome,
    relay: Relay | None,
    provider: str | None,
) -> dict[str, Any] | None:
    """For everybody in the tenant, so without the operator's setting. Advice may
    fail; what the relay said must be written all the same."""
    if outcome.failure is None:
        return None
    public = replace(outcome, failure=replace(outcome.failure, remedy=None))
    try:
        hints = knowledge.hints(installation.catalogue, provider) if provider else None
        found = knowledge.diagnose(public, relay, hints)
    except Exception:
        log.exception("no diagnosis for a failure at %s", outcome.stage)
        return None
    return None if found is None else diagnosis_json(found)
