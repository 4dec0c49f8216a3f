"""A relay that remembers every copy: which Message-IDs came for which subject."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.serving import free_port


class Sink:
    """Keeps a mail, then waits a little, so that a kill may fall in between."""

    def __init__(self, *, pause_s: float) -> None:
        self.copies: dict[str, list[str]] = defaultdict(list)
        self._pause_s = pause_s
        self._news = threading.Condition()

    async def handle_DATA(self, server: SMTP, session: Session, mail: Envelope) -> str:
        message = message_from_bytes(mail.content or b"")
        with self._news:
            self.copies[message["Subject"]].append(message["Message-ID"])
            self._news.notify_all()
        await asyncio.sleep(self._pause_s)
        return "250 kept"

    def wait(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came to hold within the time; judged at every new mail."""
        with self._news:
            return self._news.wait_for(holds, timeout_s)


@contextmanager
def listening(*, pause_s: float = 0.01) -> Iterator[tuple[Sink, int]]:
    sink = Sink(pause_s=pause_s)
    controller = Controller(sink, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield sink, controller.port
    finally:
        controller.stop()
