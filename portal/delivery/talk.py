"""One question, one answer: the conversation as the stages use it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator

import aiosmtplib

from portal.delivery.reply import clean, is_reply, reply_of
from portal.delivery.transcript import Transcript
from portal.delivery.trouble import Trouble, caught
from portal.delivery.types import FailureKind, Limits, Reply
from portal.delivery.wire import Client

QUIT_S = 2.0
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Talk:
    """A client, what was said, and how much patience is left for the whole."""

    def __init__(self, limits: Limits) -> None:
        self.client: Client | None = None
        self.transcript = Transcript()
        self.raw = ""  # the last reply whole, for the list that EHLO answers
        self.greeted = False
        self.begin(limits)

    def begin(self, limits: Limits) -> None:
        """The one deadline of this conversation or of the next submission."""
        self.limits = limits
        self.deadline = time.monotonic() + limits.total_s

    def patience(self, limit_s: float) -> float:
        return max(0.0, min(limit_s, self.deadline - time.monotonic()))

    @contextlib.asynccontextmanager
    async def within(self, limit_s: float) -> AsyncIterator[None]:
        """A wait that ends at its limit, or at the deadline, as Trouble."""
        limit_s = self.patience(limit_s)
        with caught(limit_s):
            async with asyncio.timeout(limit_s):
                yield

    async def ask(self, *words: bytes, limit_s: float | None = None) -> Reply:
        """Sends a command and shows it in the transcript."""
        self.transcript.client(b" ".join(words).decode("utf-8", "backslashreplace"))
        return await self._ask(words, limit_s)

    async def ask_hidden(self, *words: bytes, shown: str = "") -> Reply:
        """Sends a command of which the transcript shows `shown` and a mask."""
        self.transcript.hidden(shown)
        return await self._ask(words, None)

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
        if any(_CONTROL.search(word) for word in words):
            raise Trouble.ours("A command may not hold control characters.")
        async with self.within(limit_s or self.limits.command_s):
            response = await self.connected.execute_command(*words, timeout=None)
        return self.heard(response)
