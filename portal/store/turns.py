"""Who writes next in this process: first come, first served.

SQLite lets one connection write at a time and keeps no queue: who finds it busy
sleeps and looks again, longer each time. Beside a writer that commits without a
rest, a page that saves something would find it busy for seconds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that is handed to whoever has waited longest.

    Nobody waits for ever: after `patience_s` one goes on without a turn, and the
    database decides, as it does between processes.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def taken(self, patience_s: float) -> Iterator[None]:
        has_turn = self._take(patience_s)
        try:
            yield
        finally:
            if has_turn:
                self._hand_on()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _take(self, patience_s: float) -> bool:
        mine = threading.Lock()
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=patience_s):
            return True
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # it was handed over in the last moment

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
