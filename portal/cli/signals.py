"""Signals are heard by a thread of their own, since the main one may sleep on.

A handler of Python runs when the main thread wakes. Behind a SIGSTOP the kernel may
give the next signal to another thread, and nobody wakes the main one: of processes
that were stopped and continued, every second one never heard its SIGTERM.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection
from types import FrameType


def on_signals(numbers: Collection[signal.Signals], act: Callable[[int], None]) -> None:
    """`act` in a thread, for each of these signals from now on."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # Written by the handler in C, in whatever thread the signal came.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, _heard)

    def listen() -> None:
        while heard := os.read(reading, 1):
            if heard[0] in numbers:
                act(heard[0])

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _heard(number: int, frame: FrameType | None) -> None:
    """The thread acts."""
