"""How a process that stays comes to its end: signals, the drain, the exit status."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from portal.cli.process import UNSETTLED, Process
from portal.cli.signals import on_signals

log = logging.getLogger(__name__)

ENDS = (signal.SIGTERM, signal.SIGINT)


def end_on_signals(process: Process, stop: Callable[[], None] = lambda: None) -> None:
    """`stop` ends what the main thread is at."""

    def end(number: int) -> None:
        process.on_signal(number)
        stop()

    on_signals(ENDS, end)


def leave(process: Process) -> NoReturn:
    """All is drained and closed. A thread of the HTTP server may still hold the
    connection that a browser keeps, and would abort if the interpreter were taken
    down beneath it: so it is left standing, and the process ends."""
    if process.settled:
        log.info("stopped")
    else:
        log.warning("stopped; what did not end in time is taken up at the next start")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(0 if process.settled else UNSETTLED)
