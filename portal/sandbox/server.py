"""The embedded SMTP server on loopback: takes every mail and sends none."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.services.captures import Taken
from portal.store.database import connection

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MOST_BYTES = 36 * 1024 * 1024  # what `/send` can build, and its line ends
NAME = "sandbox.invalid"
START_S = 10

Keep = Callable[[Taken], str]


class Sandbox:
    """Listens on a free port of loopback in a thread of its own.

    `keep` stores one mail; it runs with a database connection, never on the loop.
    """

    def __init__(self, keep: Keep) -> None:
        self._handler = _Handler(keep)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self._ready = threading.Event()

    @property
    def port(self) -> int | None:
        """None before the start and after the stop."""
        return self._socket.getsockname()[1] if self._socket else None

    def start(self, port: int = 0) -> None:
        """Port 0 is any free one. Raises OSError when a given one is taken."""
        listening = socket.create_server((HOST, port))
        self._thread = threading.Thread(
            target=self._run, args=(listening,), name="sandbox", daemon=True
        )
        self._thread.start()
        if not self._ready.wait(START_S):
            raise OSError("The sandbox did not start.")
        self._socket = listening

    def stop(self) -> None:
        if self._socket is None or self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._handler.close()
        self._socket = None

    def _run(self, listening: socket.socket) -> None:
        self._loop = loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(
            loop.create_server(lambda: self._protocol(loop), sock=listening)
        )
        self._ready.set()
        try:
            loop.run_forever()
        finally:
            server.close()
            loop.run_until_complete(_cancel_all(loop))
            loop.close()

    def _protocol(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        with warnings.catch_warnings():
            # It warns of its own defaults, which nobody here can change.
            warnings.simplefilter("ignore")
            return SMTP(
                self._handler,
                hostname=NAME,
                ident="SMTP Portal sandbox",
                data_size_limit=MOST_BYTES,
                enable_SMTPUTF8=True,
                loop=loop,
            )


async def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Handler:
    """What aiosmtpd calls at each command."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sandbox-keep")

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        taken = Taken(
            ehlo=str(session.host_name or ""),
            reverse_path=(envelope.mail_from or "").removeprefix("<>"),
            recipients=tuple(envelope.rcpt_tos),
            content=_bytes(envelope.content),
        )
        loop = asyncio.get_running_loop()
        try:
            kept = await loop.run_in_executor(self._threads, self._store, taken)
        except Exception:
            # The relay that we play must answer, and the mail is not lost: 4yz.
            log.exception("the sandbox could not keep a mail")
            return "451 4.3.0 The sandbox could not keep this mail"
        return f"250 2.0.0 Captured as {kept}"

    def close(self) -> None:
        self._threads.shutdown()

    def _store(self, taken: Taken) -> str:
        with connection():
            return self._keep(taken)


def _bytes(content: Any) -> bytes:
    return content if isinstance(content, bytes) else str(content or "").encode()
