"""One running portal: installation, engine and sandbox, started and drained."""

from __future__ import annotations

import dataclasses
import logging
import os
import resource
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress

from portal.cli import logs
from portal.config import Settings
from portal.config.environment import SECRETS
from portal.delivery.types import ENGINE, Limits
from portal.engine.bell import EngineBell
from portal.engine.engine import GRACE_S, Engine
from portal.sandbox.server import Sandbox
from portal.services import captures, senders
from portal.services.installation import Installation, build_installation
from portal.services.outbox.timing import Timing
from portal.store import database
from portal.store.engines import is_full
from portal.store.marker import Marker
from portal.store.room import FLOORS, Floors

log = logging.getLogger(__name__)

UNSETTLED = 1  # exit status: something under way did not come to its end


class Process:
    """What serves now. `stopping` is set by the first signal."""

    def __init__(self, installation: Installation, engine: Engine) -> None:
        self.installation = installation
        self.stopping = threading.Event()
        self.settled = True
        self._engine = engine
        self._grace_s = GRACE_S
        # Asked and taken in one step: a second signal may come inside the first.
        self._first = threading.Lock()
        self._draining = threading.Thread(target=self._drain, name="drain")

    def on_signal(self, number: int) -> None:
        """The first signal begins the drain, the second one ends everything."""
        if not self._begin_drain():
            log.warning("a second signal: ending at once")
            logging.shutdown()
            os._exit(128 + number)
        log.info("stopping: what is under way may end")

    def lost(self) -> None:
        """The database is gone: nothing that ends could be written, so all ends now,
        with the status of what is unsettled."""
        self._grace_s = 0
        os.kill(os.getpid(), signal.SIGTERM)

    def give_way(self, error: BaseException) -> None:
        """The database could not be written to: where the disk is full, what relays
        have answered gets the room that was kept for it."""
        room = self.installation.room
        with suppress(OSError):
            if (is_full(error) or not room.claims()) and room.drop_ballast():
                log.warning("the disk is full: its reserve is used for results")

    def drain(self) -> None:
        """Returns when the engine has settled what was under way."""
        self._begin_drain()
        self._draining.join()

    def _begin_drain(self) -> bool:
        """False when it has begun already."""
        if not self._first.acquire(blocking=False):
            return False
        self._draining.start()
        self.stopping.set()
        return True

    def _drain(self) -> None:
        ended_well = self._engine.stop(self._grace_s)
        self.settled = ended_well and self._grace_s > 0


@contextmanager
def running(
    settings: Settings,
    *,
    sandbox: bool,
    timing: Timing | None = None,
    limits: Limits = ENGINE,
    floors: Floors = FLOORS,
) -> Iterator[Process]:
    """The engine runs inside the block; after it, all is drained and closed."""
    with Marker(settings) as marker, ExitStack() as stack:
        bell = EngineBell()
        box = Sandbox(captures.keep) if sandbox else None
        stack.callback(database.detach)
        installation = build_installation(
            settings, bell=bell, sandbox_port=lambda: box.port if box else None
        )
        installation = dataclasses.replace(installation, floors=floors)
        stack.callback(installation.writer.close)
        with database.connection():
            if senders.adopt_platform(installation):
                log.info("the platform default has changed: its routes move")
        if box:
            box.start()
            stack.callback(box.stop)
        engine = Engine(installation, _owner(), timing=timing, limits=limits)
        process = Process(installation=installation, engine=engine)
        installation.writer.on_lost = process.lost
        installation.writer.on_trouble = process.give_way
        engine.start()
        stack.callback(process.drain)
        yield process
        process.drain()
        marker.stays = not process.settled


def harden(settings: Settings, environ: MutableMapping[str, str] = os.environ) -> None:
    """Before anything secret is read: no core dump, private files, plain logs, and
    an environment that a child or a page of errors could show without harm."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    for name in SECRETS:
        environ.pop(name, None)
    logs.configure(settings.log, settings.log_level)


def _owner() -> str:
    """This process among all that ever claim: host, pid and a random word."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
