"""The portal as a browser needs it: on a port, with an engine that runs live tests."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from werkzeug.serving import make_server

from portal.app import create_app
from portal.delivery.types import Limits
from portal.engine.domains import Domains
from portal.engine.live_tests import LiveTests
from portal.engine.searches import Searches
from portal.services.installation import Installation

QUICK = Limits.every(1, 5)
PATIENT = Limits.every(3, 8)  # beside a browser, on a machine that is busy


class Engine:
    """A loop of its own that looks for live tests whenever it is rung."""

    def __init__(self, installation: Installation) -> None:
        self._here = dataclasses.replace(installation, bell=self)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        self._ready.wait(10)

    @property
    def installation(self) -> Installation:
        return self._here

    def ring(self, message_ids: Sequence[int] = ()) -> None:
        self._loop.call_soon_threadsafe(self._rung.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.ring()
        self._thread.join(20)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung, self._over = asyncio.Event(), asyncio.Event()
        with ThreadPoolExecutor(2) as threads:
            tests = LiveTests(
                self._here, "test", threads, limits=PATIENT, probe_limits=QUICK
            )
            searches = Searches(self._here, "test", threads, within_s=5)
            domains = Domains(self._here, "test", threads, patience_s=5)
            self._ready.set()
            while not self._over.is_set():
                await self._rung.wait()
                self._rung.clear()
                await tests.look()
                await searches.look()
                await domains.look()
            await tests.stop(10)
            await searches.stop(10)
            await domains.stop(10)


@contextmanager
def serving(installation: Installation) -> Iterator[str]:
    """The address of a running portal."""
    engine = Engine(installation)
    app = create_app(installation=engine.installation)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        engine.stop()
