"""Questions and answers: the conversation as the stages use it.

`ask` is one command and its reply. `say` sends several at once where the relay
takes that (RFC 2920), `hear` then reads their replies one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType

import aiosmtplib

from portal.delivery.reply import clean, is_reply, reply_of
from portal.delivery.transcript import Transcript
from portal.delivery.trouble import Trouble, caught
from portal.delivery.types import FailureKind, Limits, Reply
from portal.delivery.wire import Client, Wire

QUIT_S = 2.0
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Within:
    """`asyncio.timeout` whose ends are Trouble. Two of them are in each mail: a class
    costs a third of what two generators would."""

    __slots__ = ("_limit_s", "_timeout")

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._timeout = asyncio.timeout(limit_s)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            await self._timeout.__aexit__(None, None, None)
            return
        with caught(self._limit_s):
            await self._timeout.__aexit__(kind, error, trace)
            raise error


class Talk:
    """A client, what was said, and how much patience is left for the whole."""

    def __init__(self, limits: Limits) -> None:
        self.client: Client | None = None
        self.transcript = Transcript()
        self.raw = ""  # the last reply whole, for the list that EHLO answers
        self.greeted = False
        self._unheard: deque[bytes] = deque()  # said, and not yet answered
        self.begin(limits)

    def begin(self, limits: Limits) -> None:
        """The one deadline of this conversation or of the next submission."""
        self.limits = limits
        self.deadline = time.monotonic() + limits.total_s

    def patience(self, limit_s: float) -> float:
        return max(0.0, min(limit_s, self.deadline - time.monotonic()))

    def within(self, limit_s: float) -> Within:
        """A wait that ends at its limit, or at the deadline, as Trouble."""
        return Within(self.patience(limit_s))

    async def ask(self, *words: bytes, limit_s: float | None = None) -> Reply:
        """Sends a command and shows it in the transcript."""
        self._show(b" ".join(words))
        return await self._ask(words, limit_s)

    async def ask_hidden(self, *words: bytes, shown: str = "") -> Reply:
        """Sends a command of which the transcript shows `shown` and a mask."""
        self.transcript.hidden(shown)
        return await self._ask(words, None)

    def say(self, commands: Sequence[bytes]) -> None:
        """Sends commands in one write. Each is shown when its answer is awaited, so
        that a transcript reads alike with and without pipelining."""
        _refuse_controls(commands)
        self._unheard.extend(commands)
        with caught(0):
            self.wire.send(b"\r\n".join(commands) + b"\r\n", replies=len(commands))

    async def hear(self, limit_s: float | None = None) -> Reply:
        """The next reply of those that are owed."""
        if self._unheard:
            self._show(self._unheard.popleft())
        wire = self.wire
        if not wire.has_news:
            async with self.within(limit_s or self.limits.command_s):
                while not wire.has_news:
                    await wire.stirred()
        response = self.next_response()
        return self.heard(response)

    @property
    def owes(self) -> bool:
        """Whether commands that were said wait for their answers."""
        return bool(self._unheard)

    def show_unheard(self) -> None:
        """What was sent and never answered belongs to the story too."""
        while self._unheard:
            self._show(self._unheard.popleft())

    def next_response(self) -> aiosmtplib.SMTPResponse:
        """What has come already: a reply, or Trouble that says how it all ended."""
        wire = self.wire
        if not wire.has_reply:
            with caught(0):
                wire.raise_end()
        return wire.next_response()

    async def listen(self, limit_s: float) -> Reply:
        """The greeting. Silence here often means that each side waits for the other."""
        try:
            async with self.within(limit_s):
                response = await self.connected.next_reply()
        except Trouble as trouble:
            if trouble.kind is FailureKind.TIMEOUT:
                trouble.words = (
                    "The connection stands, but the relay said nothing: timed out"
                    f" after {limit_s:.3g} s."
                )
            raise
        self.greeted = True
        return self.heard(response)

    def heard(self, response: aiosmtplib.SMTPResponse) -> Reply:
        """A response as Reply and in the transcript; Trouble if it is none."""
        secrets = self.transcript.secrets
        self.raw = response.message
        if not is_reply(response.code):
            words = clean(response.message, secrets)
            self.transcript.noted(words)
            raise Trouble(
                FailureKind.PROTOCOL,
                f"The relay’s answer is no SMTP reply: {words}",
                exception="aiosmtplib.errors.SMTPResponseException",
            )
        reply = reply_of(response.code, response.message, secrets)
        self.transcript.server(reply)
        return reply

    @property
    def connected(self) -> Client:
        if self.client is None:
            raise Trouble(FailureKind.CLOSED, "The connection was lost.")
        return self.client

    @property
    def wire(self) -> Wire:
        wire = self.connected.wire
        if wire is None:
            raise Trouble(FailureKind.CLOSED, "The connection was lost.")
        return wire

    async def leave(self) -> None:
        """QUIT, whatever it answers (a failure after 2yz is not a failure)."""
        if self.client is None:
            return
        if self.greeted and self.client.is_quiet and self.patience(QUIT_S) > 0:
            with contextlib.suppress(Trouble):
                await self.ask(b"QUIT", limit_s=QUIT_S)
        await self.drop()

    async def drop(self) -> None:
        if self.client is not None:
            client, self.client = self.client, None
            await client.drop()

    def abort(self) -> None:
        """Drops without waiting: for a task that was cancelled."""
        if self.client is not None and isinstance(
            self.client.transport, asyncio.WriteTransport
        ):
            self.client.transport.abort()
        self.client = None

    async def _ask(self, words: tuple[bytes, ...], limit_s: float | None) -> Reply:
        _refuse_controls(words)
        async with self.within(limit_s or self.limits.command_s):
            response = await self.connected.execute_command(*words, timeout=None)
        return self.heard(response)

    def _show(self, command: bytes) -> None:
        self.transcript.client(command.decode("utf-8", "backslashreplace"))


def _refuse_controls(words: Sequence[bytes]) -> None:
    if any(map(_CONTROL.search, words)):
        raise Trouble.ours("A command may not hold control characters.")
