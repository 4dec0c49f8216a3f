"""One mail on an open session: MAIL, RCPT, DATA, the content, the dot, the answer.

Where a connection is lost means everything (RFC 1047): before the final dot the
relay must discard, after it nobody knows. `phase` is our own mark of that; the
exception is the same in both places.
"""

from __future__ import annotations

import logging

from portal.delivery.ahead import Ahead
from portal.delivery.content import Blocks, blocks_of
from portal.delivery.extensions import Extensions
from portal.delivery.ladder import Ladder, Stopped
from portal.delivery.talk import Talk
from portal.delivery.terms import lacking, parameters
from portal.delivery.trouble import Trouble
from portal.delivery.types import (
    BeforeDot,
    FailureKind,
    Mark,
    Phase,
    RecipientResult,
    RecipientStatus,
    Reply,
    Stage,
)
from portal.delivery.upload import upload
from portal.mail.types import Envelope

log = logging.getLogger(__name__)

_GO_AHEAD = 354
_CLOSING = 421  # RFC 5321 §3.8: from anywhere, the relay hangs up


class Transaction:
    """`run` goes to the end or raises Trouble; what was learnt stays readable."""

    def __init__(
        self, talk: Talk, ladder: Ladder, offered: Extensions, envelope: Envelope
    ) -> None:
        self._talk = talk
        self._ladder = ladder
        self._offered = offered
        self._envelope = envelope
        self.results = [
            RecipientResult(address=address, status=RecipientStatus.UNTRIED)
            for address in envelope.recipients
        ]
        self.phase = Phase.BEFORE_DATA
        self.begun = False  # MAIL was said: RSET takes it back
        self.spoiled = False  # nothing can take it back: the connection must go
        self.reply: Reply | None = None  # to the final dot

    async def run(self, content: bytes, before_dot: BeforeDot) -> None:
        blocks = blocks_of(content)
        ahead = self._begin(content, blocks.size_bytes)
        await self._mail(ahead)
        await self._recipients(ahead)
        started = await self._data(ahead, blocks)
        self.phase = Phase.CONTENT
        said = f"{started}; {blocks.size_bytes:,} bytes"
        if self._ladder.ends_before(Stage.POST_DATA):
            self._ladder.passed(said, started)
            raise Stopped
        await self._content(blocks, before_dot, said, started)

    def _begin(self, content: bytes, size_bytes: int) -> Ahead:
        """What will be said, up to the stage we are to stop after: nothing is sent
        ahead past it. What the relay lacks for this mail is Trouble."""
        envelope, offered = self._envelope, self._offered
        path = envelope.reverse_path or ""
        self._ladder.begin(Stage.MAIL_FROM, f"MAIL FROM:<{path}> is sent.")
        missing = lacking(offered, content, size_bytes, envelope)
        if missing is not None:
            for place, result in enumerate(self.results):
                self._set(place, result.address, RecipientStatus.FAILED, None)
            raise Trouble.ours(missing)
        options = parameters(offered, content, size_bytes, envelope)
        commands = [b"MAIL FROM:<%s>%s" % (path.encode(), options)]
        if not self._ladder.ends_before(Stage.RCPT_TO):
            commands += [b"RCPT TO:<%s>" % to.encode() for to in envelope.recipients]
        if envelope.recipients and not self._ladder.ends_before(Stage.DATA):
            commands.append(b"DATA")
        self.begun = True
        return Ahead(self._talk, commands, pipelining="PIPELINING" in offered)

    async def _mail(self, ahead: Ahead) -> None:
        reply = await ahead.answer()
        if not _took(reply):
            self._settle(reply)
            await self._give_up(ahead, reply)
            raise _refusal(reply, "MAIL")
        self._ladder.passed(str(reply), reply)

    async def _recipients(self, ahead: Ahead) -> None:
        self._ladder.begin(Stage.RCPT_TO, "RCPT TO is sent.")
        if not self.results:
            raise Trouble.ours("The message has no recipient.")
        for place, address in enumerate(self._envelope.recipients):
            last = await ahead.answer()
            self._set(
                place,
                address,
                RecipientStatus.ACCEPTED if _took(last) else _end(last),
                last,
            )
            if last.code == _CLOSING:
                raise Trouble.of_reply(last)
        count, refused = len(self.results), self.refused
        first = refused[0].reply or last if refused else last
        if len(refused) == count:
            await self._give_up(ahead, first)
            raise _refusal(first, "RCPT")
        said = str(last)
        if count > 1:
            said = f"{count - len(refused)} of {count} recipients accepted"
        self._ladder.passed(said, first)

    async def _data(self, ahead: Ahead, blocks: Blocks) -> Reply:
        self._ladder.begin(
            Stage.DATA, f"DATA is sent, {blocks.size_bytes:,} bytes follow."
        )
        reply = await ahead.answer(self._talk.limits.data_s)
        if reply.code != _GO_AHEAD:
            self._settle(reply)
            raise _refusal(reply, "DATA")
        return reply

    async def _give_up(self, ahead: Ahead, refusal: Reply) -> None:
        """Nobody is left to send to. What went out along with the refused command
        is answered all the same, and the answers must not be taken for others'."""
        if refusal.code == _CLOSING:
            return
        try:
            replies = await ahead.rest()
        except Trouble:
            self.spoiled = True
            return
        # RFC 2920 §3.1 would send a lone dot after that 354; no dot without a mark.
        self.spoiled = any(reply.code in (_GO_AHEAD, _CLOSING) for reply in replies)

    async def _content(
        self, blocks: Blocks, before_dot: BeforeDot, said: str, started: Reply
    ) -> None:
        async def permission() -> None:
            mark = Mark(accepted=self.accepted, refused=self.refused)
            try:
                permitted = await before_dot(mark)
            except Exception as error:
                log.exception("before_dot failed; the dot is not written")
                raise _withdrawn(type(error).__name__) from error
            if not permitted:
                raise _withdrawn(None)

        def dotted() -> None:
            self.phase = Phase.DOT
            self._ladder.passed(said, started)
            self._ladder.begin(Stage.POST_DATA, "The final dot is out.")

        try:
            reply = await upload(self._talk, blocks, permission, dotted)
        except Trouble as trouble:
            if trouble.reply is not None and not trouble.reply.positive:
                self._settle(trouble.reply)
            raise
        if 300 <= reply.code < 400:
            raise _refusal(reply, "the final dot")
        self.phase = Phase.ANSWERED
        self.reply = reply
        if not _took(reply):
            self._settle(reply)
            raise Trouble.of_reply(reply)
        self._settle(reply, RecipientStatus.SENT)
        self._ladder.passed(str(reply), reply)

    @property
    def accepted(self) -> tuple[str, ...]:
        return tuple(
            result.address
            for result in self.results
            if result.status is RecipientStatus.ACCEPTED
        )

    @property
    def refused(self) -> tuple[RecipientResult, ...]:
        return tuple(
            result
            for result in self.results
            if result.status in (RecipientStatus.DEFERRED, RecipientStatus.FAILED)
        )

    def _settle(self, reply: Reply, status: RecipientStatus | None = None) -> None:
        """The answer holds for every recipient that has none of its own yet."""
        open_ = (RecipientStatus.UNTRIED, RecipientStatus.ACCEPTED)
        for place, result in enumerate(self.results):
            if result.status in open_:
                self._set(place, result.address, status or _end(reply), reply)

    def _set(
        self, place: int, address: str, status: RecipientStatus, reply: Reply | None
    ) -> None:
        self.results[place] = RecipientResult(
            address=address, status=status, reply=reply
        )


def _took(reply: Reply) -> bool:
    return 200 <= reply.code < 300


def _end(reply: Reply) -> RecipientStatus:
    """The first digit decides (RFC 5321 §4.2.1); what is odd is tried again."""
    return RecipientStatus.FAILED if reply.permanent else RecipientStatus.DEFERRED


def _refusal(reply: Reply, what: str) -> Trouble:
    if not reply.positive:
        return Trouble.of_reply(reply)
    return Trouble(
        FailureKind.PROTOCOL, f"The relay answered {what} with {reply}", reply=reply
    )


def _withdrawn(exception: str | None) -> Trouble:
    return Trouble(
        FailureKind.WITHDRAWN,
        "The mail was withdrawn before its final dot.",
        exception=exception,
    )
