"""A relay that keeps every copy it took, and misbehaves as often as it is told.

What it does is written in `Mood`s; with none of them it is a good relay that
waits a little behind each dot, so that a kill may fall in between.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from enum import StrEnum


class Mood(StrEnum):
    """What it may do instead of its duty; the value says when."""

    CLOSES_FIRST = "closes before the greeting"
    GREETS_421 = "greets with 421"
    CLOSES_AT_MAIL = "closes at MAIL"
    SAYS_450_AT_MAIL = "says 450 at MAIL"
    SAYS_450_AT_RCPT = "says 450 at RCPT"
    SAYS_550_AT_RCPT = "says 550 at RCPT"
    SAYS_421_AT_RCPT = "says 421 at RCPT and closes"
    SAYS_451_TO_DATA = "says 451 to DATA"
    CLOSES_AT_354 = "closes after 354"
    CLOSES_UNKEPT = "closes after the dot, not kept"
    CLOSES_KEPT = "keeps and closes before the reply"
    BABBLES_KEPT = "keeps and says what is no reply"
    SAYS_451_AT_DOT = "says 451 after the dot"
    SAYS_554_AT_DOT = "says 554 after the dot"


KEEPING = (Mood.CLOSES_KEPT, Mood.BABBLES_KEPT)


@dataclass(frozen=True)
class Copy:
    """One content that was kept, for one of its recipients."""

    message_id: str
    date: str
    at: float  # monotonic
    mark: int = 0  # what `note` said when the dot had come


@dataclass
class Moody:
    """`share` of all mails meet a mood. `note` is asked whenever a dot has come."""

    share: float = 0
    seed: int = 0
    pause_s: float = 0.005
    moods: tuple[Mood, ...] = tuple(Mood)
    refuse: frozenset[str] = frozenset()
    defer: set[str] = field(default_factory=set)  # once each
    note: Callable[[], int] = lambda: 0
    port: int = 0
    copies: dict[tuple[str, str], list[Copy]] = field(
        default_factory=lambda: defaultdict(list)
    )
    met: dict[Mood, int] = field(default_factory=lambda: defaultdict(int))
    lines: list[tuple[float, str]] = field(default_factory=list)  # each MAIL, each dot
    connections: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def wait(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came to hold within the time; judged at every new copy."""
        with self._news:
            return self._news.wait_for(holds, timeout_s)

    def one_more(self, timeout_s: float) -> bool:
        """Whether another mail came within the time."""
        before = len(self.copies)
        return self.wait(lambda: len(self.copies) > before, timeout_s)

    def subjects(self) -> set[str]:
        return {subject for subject, _ in self.copies}

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self.writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            await _Talk(self, reader, writer).hold()
        self.writers.discard(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def mood(self) -> Mood | None:
        if self._dice.random() >= self.share:
            return None
        return self._dice.choice(self.moods)

    def hears(self, line: str) -> None:
        self.lines.append((time.monotonic(), line))

    def meets(self, mood: Mood) -> None:
        self.met[mood] += 1

    def keep(self, recipients: list[str], content: bytes) -> None:
        message = message_from_bytes(content)
        copy = Copy(
            message_id=message["Message-ID"],
            date=message["Date"],
            at=time.monotonic(),
            mark=self.note(),
        )
        with self._news:
            for recipient in recipients:
                self.copies[message["Subject"], recipient].append(copy)
            self._news.notify_all()


class _Left(Exception):
    """The conversation ends here."""


class _Talk:
    def __init__(
        self,
        relay: Moody,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._relay = relay
        self._reader = reader
        self._writer = writer
        self._mood: Mood | None = None
        self._to: list[str] = []

    async def hold(self) -> None:
        self._mood = self._relay.mood()
        with suppress(_Left):
            self._leave_if(Mood.CLOSES_FIRST)
            if self._is(Mood.GREETS_421):
                await self._say("421 4.3.2 not now")
                return
            await self._say("220 moody.test ESMTP")
            while line := await self._reader.readline():
                await self._answer(line.decode().strip())

    async def _answer(self, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        answers = {"EHLO": self._ehlo, "MAIL": self._mail, "DATA": self._data}
        if verb == "RCPT":
            await self._rcpt(line.partition("<")[2].partition(">")[0])
        elif verb in answers:
            await answers[verb]()
        elif verb == "QUIT":
            await self._say("221 bye")
            raise _Left
        else:
            self._to = []
            await self._say("250 OK")

    async def _ehlo(self) -> None:
        await self._say("250-moody.test\r\n250-PIPELINING\r\n250 8BITMIME")

    async def _mail(self) -> None:
        self._relay.hears("MAIL")
        self._to = []
        self._leave_if(Mood.CLOSES_AT_MAIL)
        refused = self._is(Mood.SAYS_450_AT_MAIL)
        await self._say("450 4.3.0 later" if refused else "250 OK")

    async def _rcpt(self, address: str) -> None:
        if self._is(Mood.SAYS_450_AT_RCPT) or address in self._relay.defer:
            self._relay.defer.discard(address)
            await self._say("450 4.2.1 later")
        elif self._is(Mood.SAYS_550_AT_RCPT) or address in self._relay.refuse:
            await self._say("550 5.1.1 nobody")
        elif self._is(Mood.SAYS_421_AT_RCPT):
            await self._say("421 4.3.2 going down")
            raise _Left
        else:
            self._to.append(address)
            await self._say("250 OK")

    async def _data(self) -> None:
        if self._is(Mood.SAYS_451_TO_DATA):
            await self._say("451 4.3.0 later")
            return
        if not self._to:
            await self._say("554 5.5.1 nobody to send it to")
            return
        await self._say("354 go on")
        self._leave_if(Mood.CLOSES_AT_354)
        content = await self._reader.readuntil(b"\r\n.\r\n")
        self._relay.hears("dot")
        await self._end(content)
        self._mood = self._relay.mood()  # for the next mail on this connection

    async def _end(self, content: bytes) -> None:
        self._leave_if(Mood.CLOSES_UNKEPT)
        for mood, words in (
            (Mood.SAYS_451_AT_DOT, "451 4.3.0 later"),
            (Mood.SAYS_554_AT_DOT, "554 5.6.0 never"),
        ):
            if self._is(mood):
                await self._say(words)
                return
        self._relay.keep(self._to, content)
        await asyncio.sleep(self._relay.pause_s)
        self._leave_if(Mood.CLOSES_KEPT)
        babbles = self._is(Mood.BABBLES_KEPT)
        await self._say("kept, I think" if babbles else "250 2.0.0 kept")

    def _is(self, mood: Mood) -> bool:
        """Whether this is its mood; it passes with that."""
        if self._mood is not mood:
            return False
        self._relay.meets(mood)
        self._mood = None
        return True

    def _leave_if(self, mood: Mood) -> None:
        if self._is(mood):
            raise _Left

    async def _say(self, words: str) -> None:
        self._writer.write(words.encode() + b"\r\n")
        await self._writer.drain()


@contextmanager
def listening(relay: Moody) -> Iterator[Moody]:
    """On a free port of loopback, in a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        # `limit`: the longest content that `readuntil` takes.
        server = await asyncio.start_server(
            relay.talk, "127.0.0.1", relay.port, limit=2**22
        )
        relay.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for writer in relay.writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run, name="moody", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
