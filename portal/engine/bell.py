"""The bell of a process with an engine: rung in any thread, heard on the loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

HANDED_OVER = 10_000  # ids kept in memory; what is more is found by the claim query


class EngineBell:
    """Made before the engine, since services ring it and the engine is made of them.

    Before `attach` and after `detach` a ring is kept or lost; either way the
    engine's own look finds the rows.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ids: deque[int] = deque()
        self._overflowed = False
        self._ringing = False  # the loop was called and has not heard it yet
        self._loop: asyncio.AbstractEventLoop | None = None
        self._for_mail: list[asyncio.Event] = []
        self._for_all: list[asyncio.Event] = []
        self.is_well: Callable[[], bool] = lambda: False  # the engine says it

    def ring(self, message_ids: Sequence[int] = ()) -> None:
        with self._guard:
            room = HANDED_OVER - len(self._ids)
            self._ids.extend(message_ids[:room])
            self._overflowed = self._overflowed or len(message_ids) > room
            if self._loop is None or (message_ids and self._ringing):
                return  # one call is enough for all the mail that comes until then
            # The loop may just have been closed: nobody is left to hear it.
            with suppress(RuntimeError):
                wake = self._mail_came if message_ids else self.wake
                self._loop.call_soon_threadsafe(wake)
                self._ringing = self._ringing or bool(message_ids)

    def hears(self) -> bool | None:
        return self.is_well()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._guard:
            self._loop, self._ringing = loop, False

    def detach(self) -> None:
        with self._guard:
            self._loop = None
            self._for_mail.clear()
            self._for_all.clear()

    def listen(self, *, mail: bool = False) -> asyncio.Event:
        """An event of the attached loop that rings set: those with ids for `mail`
        alone, since ten a second need not wake what looks for other work."""
        ear = asyncio.Event()
        (self._for_mail if mail else self._for_all).append(ear)
        return ear

    def wake(self) -> None:
        """On the loop: as a ring without ids."""
        self._wake_for_mail()
        for ear in self._for_all:
            ear.set()

    def _mail_came(self) -> None:
        with self._guard:
            self._ringing = False
        self._wake_for_mail()

    def _wake_for_mail(self) -> None:
        for ear in self._for_mail:
            ear.set()

    def take(self, limit: int) -> list[int]:
        """The next ids handed over, each once."""
        with self._guard:
            return [self._ids.popleft() for _ in range(min(limit, len(self._ids)))]

    def forget(self) -> None:
        """What was handed over is found by the claim query instead."""
        with self._guard:
            self._ids.clear()

    def take_overflow(self) -> bool:
        """Whether more was rung than kept, since the last time this was asked."""
        with self._guard:
            overflowed, self._overflowed = self._overflowed, False
            return overflowed

    @property
    def waiting(self) -> bool:
        return bool(self._ids)


async def heard(ear: asyncio.Event, timeout_s: float) -> None:
    """Wait for a ring or for the time, whichever is first.

    Not `wait_for`: on Python 3.11 it may swallow a cancel that comes with the ring.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await ear.wait()
    ear.clear()
