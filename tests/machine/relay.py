"""The relay that the machine plays: what it may say, phase by phase, and keep."""

from __future__ import annotations

from dataclasses import replace

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

YES = Reply(code=250, text="2.0.0 Ok", enhanced="2.0.0")
# To RCPT; each list begins with what is most usual.
RCPT = (
    YES,
    Reply(code=450, text="4.2.0 Mailbox busy", enhanced="4.2.0"),
    Reply(code=550, text="5.1.1 No such user", enhanced="5.1.1"),
    Reply(code=252, text="Cannot verify, but will take it"),
    Reply(code=451, text="4.7.1 Greylisted", enhanced="4.7.1"),
    Reply(code=452, text="4.5.3 Too many recipients", enhanced="4.5.3"),
)
_BUSY = Reply(code=451, text="4.3.0 Try later", enhanced="4.3.0")
_NEVER = Reply(code=554, text="5.7.1 Refused", enhanced="5.7.1")
_LESS = Reply(code=452, text="4.3.2 Too fast", enhanced="4.3.2")
_CLOSING = Reply(code=421, text="4.3.2 Closing", enhanced="4.3.2")
_WRONG = Reply(code=535, text="5.7.8 Bad credentials", enhanced="5.7.8")


def _failed(
    stage: Stage, kind: FailureKind, reply: Reply | None = None, *, phase: Phase
) -> Outcome:
    words = str(reply) if reply else f"{kind} at {stage}"
    failure = Failure(stage=stage, kind=kind, words=words, reply=reply, phase=phase)
    return Outcome(
        status=Status.UNCERTAIN if phase is Phase.DOT else Status.FAILED,
        stage=stage,
        steps=(),
        recipients=(),
        facts=Facts(),
        transcript=(),
        phase=phase,
        failure=failure,
    )


def _said(stage: Stage, reply: Reply, phase: Phase = Phase.BEFORE_DATA) -> Outcome:
    return _failed(stage, FailureKind.REPLY, reply, phase=phase)


def _before(stage: Stage, kind: FailureKind) -> Outcome:
    return _failed(stage, kind, phase=Phase.BEFORE_DATA)


# No mark yet: how a conversation can end.
EARLY: dict[str, Outcome] = {
    "the body is cut off": _failed(Stage.DATA, FailureKind.CLOSED, phase=Phase.CONTENT),
    "451 to DATA": _said(Stage.DATA, _BUSY),
    "554 to DATA": _said(Stage.DATA, _NEVER),
    "451 to MAIL": _said(Stage.MAIL_FROM, _BUSY),
    "554 to MAIL": _said(Stage.MAIL_FROM, _NEVER),
    "no connection": _before(Stage.CONNECT, FailureKind.NET),
    "closed at MAIL": _before(Stage.MAIL_FROM, FailureKind.CLOSED),
    "no reply to DATA": _before(Stage.DATA, FailureKind.PROTOCOL),
    "421 at RCPT": _said(Stage.RCPT_TO, _CLOSING),
    "452 to MAIL, too fast": _said(Stage.MAIL_FROM, _LESS),
    "535 to AUTH": _said(Stage.AUTH, _WRONG),
    "SMTPUTF8 is missing": _before(Stage.MAIL_FROM, FailureKind.REFUSED_BY_US),
}
# The mark is committed and no dot written.
SILENT: dict[str, Outcome] = {
    "too late for the dot": _failed(
        Stage.DATA, FailureKind.WITHDRAWN, phase=Phase.CONTENT
    ),
    "cut off in the last block": _failed(
        Stage.DATA, FailureKind.CLOSED, phase=Phase.CONTENT
    ),
    "451 into the last block": _said(Stage.DATA, _BUSY, Phase.CONTENT),
    "554 into the last block": _said(Stage.DATA, _NEVER, Phase.CONTENT),
}
# The dot is written; nobody knows.
NO_ANSWER: dict[str, Outcome] = {
    kind.value: _failed(Stage.POST_DATA, kind, phase=Phase.DOT)
    for kind in (FailureKind.CLOSED, FailureKind.TIMEOUT, FailureKind.PROTOCOL)
}
# It says no, and keeps nothing.
NO: dict[str, Outcome] = {
    str(reply.code): replace(_said(Stage.POST_DATA, reply, Phase.ANSWERED), reply=reply)
    for reply in (_BUSY, _NEVER)
}


def kept(code: int) -> Outcome:
    """Any 2yz after the dot."""
    return Outcome(
        status=Status.SENT,
        stage=None,
        steps=(),
        recipients=(),
        facts=Facts(),
        transcript=(),
        phase=Phase.ANSWERED,
        reply=Reply(code=code, text="2.0.0 Kept", enhanced="2.0.0"),
    )


def all_refused(results: tuple[RecipientResult, ...]) -> Outcome:
    """Every RCPT was: the conversation ends with the first refusal."""
    assert results[0].reply is not None
    ended = _said(Stage.RCPT_TO, results[0].reply)
    return replace(ended, recipients=results)


def answered(address: str, reply: Reply) -> RecipientResult:
    """RCPT of one recipient."""
    if reply.positive:
        status = RecipientStatus.ACCEPTED
    else:
        status = RecipientStatus[("DEFERRED", "FAILED")[reply.permanent]]
    return RecipientResult(address=address, status=status, reply=reply)
