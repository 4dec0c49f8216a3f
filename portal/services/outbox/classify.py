"""From what a relay said to what becomes of the mail.

The first digit decides; the enhanced code is a hint; unknown text never matters.
Trouble of the sender (no connection, no TLS, no sign-in) is no fault of the
mail: it waits, and no try is counted against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from portal.delivery.shown import reply_json
from portal.delivery.types import (
    Failure,
    FailureKind,
    Outcome,
    Phase,
    RecipientResult,
    Reply,
    Stage,
)
from portal.services.outbox.claim import Target
from portal.services.outbox.states import State
from portal.services.outbox.verdict import Answer, Verdict, Wait

# The stages before the first one that is about a mail.
OF_THE_SENDER = frozenset(Stage) - {
    Stage.MAIL_FROM,
    Stage.RCPT_TO,
    Stage.DATA,
    Stage.POST_DATA,
}
_SIGN_IN = (530, 534, 535, 538)  # RFC 4954 §6: wherever they come, they mean AUTH
_CLOSING = 421  # RFC 5321 §3.8: the service is shutting down
_GONE = (FailureKind.CLOSED, FailureKind.NET)
AT_ONCE = Verdict(to=State.QUEUED, wait=Wait.NOT, counted=False)
WITHDRAWN = Verdict(to=State.DEFERRED, counted=False)
INTERNAL = Verdict(to=State.DEFERRED, internal=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`verdicts` by recipient id where RCPT said something of its own."""

    answer: Answer
    rest: Verdict
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    sender_trouble: bool = False  # opens its breaker
    mail_refused: bool = False  # MAIL FROM: five in a row open it too
    throttled: bool = False  # the relay wants less of this sender


def judge(
    outcome: Outcome, targets: Sequence[Target], *, marked: bool, warm: bool
) -> Judgement:
    """`marked`: the mark is committed, its refusals with it. `warm`: the session
    had carried mail before, so a relay that hangs up at MAIL was only idle."""
    if marked:
        return _after_the_mark(outcome)
    rest = _before_the_mark(outcome.failure, warm=warm)
    trouble = rest.wait is Wait.SENDER
    return Judgement(
        answer=Answer.BEFORE,
        rest=rest,
        verdicts={} if trouble else _own_refusals(outcome, targets),
        sender_trouble=trouble,
        mail_refused=_refused_at_mail(outcome.failure),
    )


def refusals(
    results: Iterable[RecipientResult], targets: Sequence[Target], *, split: bool
) -> dict[int, Verdict]:
    """Each refused recipient by its own code.

    `split`: others were accepted, so that "too many recipients" means the next
    transaction: RFC 5321 §4.5.3.1.10.
    """
    replies = {row.address: row.reply for row in results if row.reply}
    found = {}
    for target in targets:
        reply = replies.get(target.address)
        if reply is None or reply.positive:
            continue
        if split and _too_many(reply):
            found[target.id] = Verdict(
                to=State.DEFERRED,
                wait=Wait.NOT,
                counted=False,
                reply=reply_json(reply),
                stage=Stage.RCPT_TO,
            )
        else:
            found[target.id] = _by_reply(reply, Stage.RCPT_TO)
    return found


def _own_refusals(outcome: Outcome, targets: Sequence[Target]) -> dict[int, Verdict]:
    """What RCPT said of single recipients; what MAIL or DATA said is for all."""
    failure = outcome.failure
    if failure is None or failure.stage is Stage.MAIL_FROM:
        return {}
    own = [row for row in outcome.recipients if row.reply != failure.reply]
    return refusals(own, targets, split=False)


def _after_the_mark(outcome: Outcome) -> Judgement:
    failure, reply = outcome.failure, outcome.reply
    if outcome.phase in (Phase.BEFORE_DATA, Phase.CONTENT):
        if failure is not None and failure.reply is not None:
            # It refused the body before the dot; nothing more was written.
            early = failure.reply
            answer = Answer.REFUSED if early.permanent else Answer.DEFERRED
            return Judgement(answer=answer, rest=_by_reply(early, failure.stage))
        withdrawn = failure is not None and failure.kind is FailureKind.WITHDRAWN
        told = Verdict(to=State.DEFERRED, counted=not withdrawn, stage=_stage(failure))
        return Judgement(answer=Answer.NOT_WRITTEN, rest=told)
    if outcome.phase is Phase.DOT or reply is None:
        unknown = Verdict(to=State.UNCERTAIN, stage=Stage.POST_DATA)
        return Judgement(answer=Answer.NONE, rest=unknown)
    # Any 2yz, 252 too: the relay took it.
    if 200 <= reply.code < 300:
        kept = Verdict(
            to=State.SENT,
            counted=False,
            reply=reply_json(reply),
            stage=Stage.POST_DATA,
        )
        return Judgement(answer=Answer.KEPT, rest=kept)
    if not (reply.transient or reply.permanent):
        unknown = Verdict(
            to=State.UNCERTAIN, reply=reply_json(reply), stage=Stage.POST_DATA
        )
        return Judgement(answer=Answer.NONE, rest=unknown)
    answer = Answer.DEFERRED if reply.transient else Answer.REFUSED
    return Judgement(answer=answer, rest=_by_reply(reply, Stage.POST_DATA))


def _before_the_mark(failure: Failure | None, *, warm: bool) -> Verdict:
    if failure is None or failure.kind is FailureKind.INTERNAL:
        return INTERNAL
    if failure.kind is FailureKind.WITHDRAWN:
        return WITHDRAWN
    closing = failure.reply is not None and failure.reply.code == _CLOSING
    hung_up = closing or failure.kind in _GONE
    if warm and failure.stage is Stage.MAIL_FROM and hung_up:
        return AT_ONCE
    if _is_of_the_sender(failure) or closing:
        return Verdict(
            to=State.DEFERRED,
            wait=Wait.SENDER,
            counted=False,
            reply=reply_json(failure.reply),
            stage=failure.stage,
        )
    if failure.kind is FailureKind.REFUSED_BY_US:
        # The relay lacks SIZE or SMTPUTF8 for this mail: trying again is no help.
        return Verdict(to=State.FAILED, stage=failure.stage)
    if failure.reply is None:
        return Verdict(to=State.DEFERRED, stage=failure.stage)
    return _by_reply(failure.reply, failure.stage)


def _is_of_the_sender(failure: Failure) -> bool:
    asked_to_sign_in = failure.reply is not None and failure.reply.code in _SIGN_IN
    return (
        failure.stage in OF_THE_SENDER
        or failure.kind is FailureKind.FORBIDDEN
        or asked_to_sign_in
    )


def _refused_at_mail(failure: Failure | None) -> bool:
    return (
        failure is not None
        and failure.stage is Stage.MAIL_FROM
        and failure.reply is not None
        and failure.reply.permanent
    )


def _by_reply(reply: Reply, stage: Stage) -> Verdict:
    """4yz waits, 5yz fails; anything else here is a breach of protocol: it waits."""
    greylisted = reply.code in (450, 451) and reply.enhanced == "4.7.1"
    return Verdict(
        to=State.FAILED if reply.permanent else State.DEFERRED,
        wait=Wait.GREYLIST if greylisted else Wait.BACKOFF,
        reply=reply_json(reply),
        stage=stage,
    )


def _too_many(reply: Reply) -> bool:
    return reply.code == 552 or (reply.code == 452 and reply.enhanced == "4.5.3")


def _stage(failure: Failure | None) -> str | None:
    return None if failure is None else failure.stage
