"""One mail on an open session: MAIL, RCPT, DATA, the content, the dot, the answer.

Where a connection is lost means everything (RFC 1047): before the final dot the
relay must discard, after it nobody knows. `phase` is our own mark of that; the
exception is the same in both places.
"""

from __future__ import annotations

import logging

from portal.delivery.content import Blocks, blocks_of, unfit
from portal.delivery.extensions import Extensions
from portal.delivery.ladder import Ladder, Stopped
from portal.delivery.talk import Talk
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
        self.reply: Reply | None = None  # to the final dot

    async def run(self, content: bytes, before_dot: BeforeDot) -> None:
        blocks = blocks_of(content)
        await self._mail(content, blocks.size_bytes)
        await self._recipients()
        started = await self._data(blocks)
        self.phase = Phase.CONTENT
        said = f"{started}; {blocks.size_bytes:,} bytes"
        if self._ladder.ends_before(Stage.POST_DATA):
            self._ladder.passed(said, started)
            raise Stopped
        await self._content(blocks, before_dot, said, started)

    async def _mail(self, content: bytes, size_bytes: int) -> None:
        path = self._envelope.reverse_path or ""
        self._ladder.begin(Stage.MAIL_FROM, f"MAIL FROM:<{path}> is sent.")
        options = self._options(content, size_bytes)
        self.begun = True
        reply = await self._talk.ask(b"MAIL", b"FROM:" + _angle(path), *options)
        if not _took(reply):
            self._settle(reply)
            raise _refusal(reply, "MAIL")
        self._ladder.passed(str(reply), reply)

    def _options(self, content: bytes, size_bytes: int) -> list[bytes]:
        """The parameters of MAIL; what the relay lacks for this mail is Trouble."""
        paths = (self._envelope.reverse_path or "", *self._envelope.recipients)
        missing = lacking(self._offered, content, size_bytes, paths)
        if missing is not None:
            for place, result in enumerate(self.results):
                self._set(place, result.address, RecipientStatus.FAILED, None)
            raise Trouble.ours(missing)
        options = []
        if "SIZE" in self._offered:
            options.append(b"SIZE=%d" % size_bytes)
        if not content.isascii():
            options.append(b"BODY=8BITMIME")
        if _needs_smtputf8(content, paths):
            options.append(b"SMTPUTF8")
        return options

    async def _recipients(self) -> None:
        self._ladder.begin(Stage.RCPT_TO, "RCPT TO is sent.")
        last: Reply | None = None
        for place, address in enumerate(self._envelope.recipients):
            last = await self._talk.ask(b"RCPT", b"TO:" + _angle(address))
            self._set(
                place,
                address,
                RecipientStatus.ACCEPTED if _took(last) else _end(last),
                last,
            )
            if last.code == 421:
                raise Trouble.of_reply(last)
        if last is None:
            raise Trouble.ours("The message has no recipient.")
        count, refused = len(self.results), self.refused
        first = refused[0].reply or last if refused else last
        if len(refused) == count:
            raise _refusal(first, "RCPT")
        said = str(last)
        if count > 1:
            said = f"{count - len(refused)} of {count} recipients accepted"
        self._ladder.passed(said, first)

    async def _data(self, blocks: Blocks) -> Reply:
        self._ladder.begin(
            Stage.DATA, f"DATA is sent, {blocks.size_bytes:,} bytes follow."
        )
        reply = await self._talk.ask(b"DATA", limit_s=self._talk.limits.data_s)
        if reply.code != 354:
            self._settle(reply)
            raise _refusal(reply, "DATA")
        return reply

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


def lacking(
    offered: Extensions, content: bytes, size_bytes: int, paths: tuple[str, ...]
) -> str | None:
    """Why this relay cannot take this mail (RFC 1870, RFC 6152, RFC 6531)."""
    limit = offered.max_bytes
    if limit is not None and size_bytes > limit:
        return (
            f"The relay takes messages of up to {limit:,} bytes; this one has"
            f" {size_bytes:,}."
        )
    if not content.isascii() and "8BITMIME" not in offered:
        return "The message holds 8-bit bytes and the relay offers no 8BITMIME."
    if _needs_smtputf8(content, paths) and "SMTPUTF8" not in offered:
        return "An address is not ASCII and the relay offers no SMTPUTF8."
    return unfit(content)


def _needs_smtputf8(content: bytes, paths: tuple[str, ...]) -> bool:
    """An address beyond ASCII, in the envelope or only in the header: one of the
    recipients may have been settled before (RFC 6531 §3.6)."""
    header = content[: content.find(b"\r\n\r\n")]
    return not header.isascii() or not all(path.isascii() for path in paths)


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


def _angle(path: str) -> bytes:
    return b"<" + path.encode() + b">"
