"""The one way mail leaves: connect to a relay, sign in, submit, read the verdict.

`connect` gives a Session that takes several mails; `converse` does it all once.
Neither raises for the relay's sake: what it did, or did not do, is a value.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from portal.delivery import chain
from portal.delivery.ladder import SUBMISSION, Ladder, Stopped, stages_of
from portal.delivery.opening import Opening
from portal.delivery.outcome import outcome_of
from portal.delivery.talk import Talk
from portal.delivery.tokens import Tokens
from portal.delivery.transaction import Transaction
from portal.delivery.trouble import Trouble, unforeseen
from portal.delivery.types import (
    ENGINE,
    BeforeDot,
    Facts,
    Failed,
    Failure,
    FailureKind,
    Limits,
    Mark,
    OnStep,
    Outcome,
    Phase,
    Relay,
    Stage,
)
from portal.mail.types import Envelope
from portal.net.types import Net

log = logging.getLogger(__name__)


async def always(mark: Mark) -> bool:
    """The `before_dot` of whoever has nothing to make durable."""
    return True


async def connect(
    relay: Relay,
    net: Net,
    on_step: OnStep,
    *,
    limits: Limits = ENGINE,
    tokens: Tokens | None = None,
) -> Session | Failed:
    """From the look-up to AUTH. The whole ends after `limits.total_s`."""
    talk = Talk(limits)
    ladder = Ladder(stages_of(relay), on_step)
    opening = Opening(relay, net, talk, ladder, tokens)
    end = await _run(opening.run(), talk, ladder, None)
    if end.failure is None:
        return Session(opening)
    await _finish(talk, None, end)
    await talk.leave()
    return Failed(
        failure=end.failure,
        steps=ladder.steps(),
        facts=opening.facts,
        transcript=talk.transcript.lines(),
    )


async def converse(
    relay: Relay,
    net: Net,
    envelope: Envelope,
    content: bytes,
    on_step: OnStep,
    *,
    limits: Limits = ENGINE,
    tokens: Tokens | None = None,
    before_dot: BeforeDot = always,
    stop_after: Stage | None = None,
    look: bool = False,
) -> Outcome:
    """One mail, from the look-up to QUIT, under one deadline.

    With `stop_after` the conversation ends politely after that stage, if it is
    reached, and nothing is sent. With `look` a second connection finds out which
    certificates a relay presents that is not trusted.
    """
    talk = Talk(limits)
    ladder = Ladder(stages_of(relay), on_step, stop_after)
    opening = Opening(relay, net, talk, ladder, tokens)
    transaction: Transaction | None = None
    end = await _run(opening.run(), talk, ladder, None)
    if end.failure is None and not end.stopped:
        transaction = Transaction(talk, ladder, opening.offered, envelope)
        work = transaction.run(content, before_dot)
        end = await _run(work, talk, ladder, transaction)
    await _finish(talk, transaction, end)
    await talk.leave()
    facts = opening.facts
    if look and end.failure and chain.is_worth_a_look(end.failure):
        shown = await chain.look(relay, net, address=facts.address)
        facts = replace(facts, presented=shown)
    return outcome_of(
        ladder,
        transaction,
        envelope,
        facts,
        talk.transcript,
        failure=end.failure,
        stopped=end.stopped,
    )


class Session:
    """A relay that let us in. One mail at a time, as long as it is `usable`."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._talk = opening.talk
        self._fresh = True
        self._clean = True

    @property
    def usable(self) -> bool:
        """Whether the next mail may be given to it: the last one ended cleanly, the
        connection stands, and the relay has not spoken since (as 421 before it
        hangs up)."""
        client = self._talk.client
        return self._clean and client is not None and client.is_quiet

    @property
    def facts(self) -> Facts:
        return self._opening.facts

    async def submit(
        self,
        envelope: Envelope,
        content: bytes,
        before_dot: BeforeDot,
        on_step: OnStep,
        *,
        limits: Limits = ENGINE,
        stop_after: Stage | None = None,
    ) -> Outcome:
        """From MAIL to the verdict. The first mail's outcome also tells of the
        connection; later ones begin at MAIL. With `stop_after` RSET takes it back
        after that stage, and the session takes the next one."""
        talk, ladder = self._talk, self._opening.ladder
        talk.begin(limits)
        if self._fresh:
            ladder.watch(on_step, stop_after)
        else:
            ladder = Ladder(SUBMISSION, on_step, stop_after)
            talk.transcript.restart()
        self._fresh = self._clean = False
        transaction = Transaction(talk, ladder, self._opening.offered, envelope)
        work = transaction.run(content, before_dot)
        end = await _run(work, talk, ladder, transaction)
        self._clean = await _finish(talk, transaction, end)
        return outcome_of(
            ladder,
            transaction,
            envelope,
            self._opening.facts,
            talk.transcript,
            failure=end.failure,
            stopped=end.stopped,
        )

    async def probe(self, limit_s: float) -> bool:
        """Whether the relay still answers after a rest; if not, it is let go."""
        if not self.usable:
            return False
        self._talk.begin(self._talk.limits)
        try:
            reply = await self._talk.ask(b"NOOP", limit_s=limit_s)
        except Trouble:
            await self._talk.drop()
            return False
        self._clean = 200 <= reply.code < 300
        return self.usable

    async def close(self) -> None:
        """QUIT; its answer does not matter."""
        self._clean = False
        self._talk.begin(self._talk.limits)
        await self._talk.leave()


@dataclass(frozen=True, slots=True)
class _End:
    failure: Failure | None = None
    stopped: bool = False


async def _run(
    work: Awaitable[None], talk: Talk, ladder: Ladder, transaction: Transaction | None
) -> _End:
    """Runs a part of the conversation; its trouble becomes a Failure."""
    try:
        await work
    except Stopped:
        return _End(stopped=True)
    except Trouble as caught:
        trouble = caught
    except Exception as error:
        log.exception("the conversation failed inside the portal")
        trouble = unforeseen(error)
    except BaseException:
        talk.abort()  # cancelled: the relay must not wait for us
        raise
    else:
        return _End()
    phase = transaction.phase if transaction else Phase.BEFORE_DATA
    words = trouble.words
    if phase is Phase.DOT:
        words = f"The final dot is out. {words}"
    failure = Failure(
        stage=ladder.stage or Stage.DNS,
        kind=trouble.kind,
        words=words,
        reply=trouble.reply,
        exception=trouble.exception,
        phase=phase,
        remedy=trouble.remedy,
    )
    silent = trouble.kind in (FailureKind.TIMEOUT, FailureKind.CLOSED)
    if (silent or failure.stage is Stage.OAUTH_TOKEN) and talk.client:
        talk.show_unheard()
        talk.transcript.noted(trouble.words)
    talk.transcript.mark_failed(trouble.reply)
    talk.show_unheard()
    ladder.failed(failure)
    return _End(failure)


async def _finish(talk: Talk, transaction: Transaction | None, end: _End) -> bool:
    """Leaves the relay as it was found; False if the connection had to be dropped."""
    begun = transaction is not None and transaction.begun
    phase = transaction.phase if transaction else Phase.BEFORE_DATA
    if end == _End():
        return True
    spoiled = transaction is not None and transaction.spoiled
    half_way = spoiled or phase in (Phase.CONTENT, Phase.DOT)
    if half_way or (end.failure and _ends(end.failure)):
        # RFC 5321 §4.1.1.4: without the dot the relay must discard what it has.
        await talk.drop()
        return False
    if not begun or phase is Phase.ANSWERED:
        return True
    try:
        reply = await talk.ask(b"RSET")
    except Trouble:
        await talk.drop()
        return False
    return reply.positive


def _ends(failure: Failure) -> bool:
    """After anything but an ordinary refusal the connection is not used again."""
    if failure.stage is Stage.OAUTH_TOKEN:
        return False  # it was another server's trouble
    if failure.kind is FailureKind.REPLY:
        return failure.reply is None or failure.reply.code == 421
    return failure.kind is not FailureKind.REFUSED_BY_US
