"""What other threads finish comes to the loop together, by one wake-up for all.

`asyncio.wrap_future` wakes the loop once for each: a write into a pipe, and a fight
for the interpreter in the middle of the writer's work. A COMMIT ends many at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


async def landed(future: Future[T]) -> T:
    """The value of this future, or what it raises; cancelled, it is cancelled too."""
    loop = asyncio.get_running_loop()
    strip = _strips.get(loop)
    if strip is None:
        strip = _strips[loop] = _Strip(loop)
    waiting: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(partial(strip.land, waiting))
    try:
        return await waiting
    except asyncio.CancelledError:
        future.cancel()
        raise


class _Strip:
    """Where the futures of one loop land: `land` in any thread, the rest on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._came: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._called = False

    def land(self, waiting: asyncio.Future[T], future: Future[T]) -> None:
        # First laid down, then asked: `_clear` forgets its call before it looks.
        self._came.append((waiting, future))
        if not self._called:
            self._called = True
            with suppress(RuntimeError):  # the loop was closed: nobody waits
                self._loop.call_soon_threadsafe(self._clear)

    def _clear(self) -> None:
        self._called = False
        while self._came:
            _pass_on(*self._came.popleft())


def _pass_on(waiting: asyncio.Future[T], future: Future[T]) -> None:
    if waiting.done():
        return
    if future.cancelled():
        waiting.cancel()
    elif (error := future.exception()) is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(future.result())


_strips: WeakKeyDictionary[asyncio.AbstractEventLoop, _Strip] = WeakKeyDictionary()
