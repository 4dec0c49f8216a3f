"""The engine of a process: one thread, one asyncio loop, everything that waits."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from portal.delivery.types import ENGINE, LIVE_TEST, Limits
from portal.engine.bell import EngineBell, heard
from portal.engine.clocks import Clocks
from portal.engine.dispatch import Dispatch
from portal.engine.domains import Domains
from portal.engine.live_tests import LiveTests
from portal.engine.probing import Probing
from portal.engine.reads import Reads
from portal.engine.schedule import Schedule
from portal.engine.searches import Searches
from portal.services.actor import Actor
from portal.services.installation import Installation
from portal.services.outbox.owners import Life
from portal.services.outbox.timing import Timing

log = logging.getLogger(__name__)

GRACE_S = 30.0  # for what is under way at the end
DOT_GRACE = 2  # times as long for what waits for the answer to its dot
TIDY_EVERY_S = 30.0
WATCH_EVERY_S = 5.0  # how soon a changed sender is looked at
REST_S = 1.0  # after an error in one of the standing tasks


class Engine:
    """`start`, and at the end `stop`. `owner` is a name that no other process has.

    The bell of the installation is used if it is an EngineBell; otherwise only
    looking into the database finds what there is to do.
    """

    def __init__(
        self,
        installation: Installation,
        owner: str,
        *,
        timing: Timing | None = None,
        limits: Limits = ENGINE,
        test_limits: Limits = LIVE_TEST,
    ) -> None:
        self._installation = installation
        self._owner = owner[:64]
        self._timing = timing or Timing()
        self._limits = limits
        self._test_limits = test_limits
        bell = installation.bell
        self.bell = bell if isinstance(bell, EngineBell) else EngineBell()
        self.bell.is_well = self.is_well
        self.heartbeat_at = 0.0  # monotonic; of the last tick that ended well
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._wish: asyncio.Event | None = None
        self._grace_s = GRACE_S
        self._settled = True

    def start(self) -> None:
        """Returns when the loop runs."""
        self._thread.start()
        self._running.wait()

    def stop(self, grace_s: float = GRACE_S) -> bool:
        """Drain and end. Whether everything under way came to its own end."""
        self._grace_s = grace_s
        if self._loop is not None and self._wish is not None and self.is_running:
            self._loop.call_soon_threadsafe(self._wish.set)
        self._thread.join()
        return self._settled

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def is_well(self, within_s: float = 10.0) -> bool:
        """Its loop has looked after everything a short while ago."""
        rested_s = time.monotonic() - self.heartbeat_at
        return self.is_running and self.heartbeat_at > 0 and rested_s < within_s

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            log.exception("the engine ended by an error")
            self._settled = False
        finally:
            self.bell.detach()
            self._running.set()

    async def _main(self) -> None:
        self._loop, self._wish = asyncio.get_running_loop(), asyncio.Event()
        self.bell.attach(self._loop)
        actor = Actor(installation=self._installation, system="engine")
        life = Life(self._installation.settings.instance, self._owner)
        reads = Reads()
        await _alive(reads, life)
        with ThreadPoolExecutor(2, thread_name_prefix="live-tests") as threads:
            tests = LiveTests(
                self._installation, self._owner, threads, limits=self._test_limits
            )
            searches = Searches(self._installation, self._owner, threads)
            domains = Domains(self._installation, self._owner, threads)
            dispatch = Dispatch(
                actor,
                self._owner,
                self.bell,
                reads,
                timing=self._timing,
                limits=self._limits,
            )
            schedule = Schedule(
                actor,
                self._owner,
                life,
                reads,
                dispatch,
                timing=self._timing,
                clocks=Clocks(self._timing),
            )
            probing = Probing(
                actor, reads, timing=self._timing, limits=self._test_limits
            )
            await self._stand(dispatch, schedule, tests, searches, domains, probing)
        reads.close(partial(life.drop, settled=self._settled))

    async def _stand(
        self,
        dispatch: Dispatch,
        schedule: Schedule,
        tests: LiveTests,
        searches: Searches,
        domains: Domains,
        probing: Probing,
    ) -> None:
        """Everything runs until the wish to stop; then it drains together."""
        assert self._wish is not None  # noqa: S101, made before
        ear, landed = self.bell.listen(), asyncio.Event()

        async def tick() -> None:
            await schedule.tick()
            self.heartbeat_at = time.monotonic()

        async def look() -> None:
            await tests.look()
            await searches.look()
            await domains.look()
            await heard(ear, self._timing.poll_s)

        beating = _again(dispatch.renew, self._timing.lease_s / 4, landed)
        turns = (
            _again(tick, self._timing.poll_s, self._wish),
            _again(look, 0, self._wish),
            _again(tests.tidy, TIDY_EVERY_S, self._wish),
            _again(searches.tidy, TIDY_EVERY_S, self._wish),
            _again(domains.tidy, TIDY_EVERY_S, self._wish),
            _again(domains.watch, WATCH_EVERY_S, self._wish),
            _again(probing.look, self._timing.poll_s, self._wish),
        )
        dispatch.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(beating)
            standing = [group.create_task(turn) for turn in turns]
            self._running.set()
            await self._wish.wait()
            self.bell.wake()
            await asyncio.gather(*standing)  # each ends its turn, none is cut off
            self._settled, *_ = await asyncio.gather(
                dispatch.stop(self._grace_s, DOT_GRACE * self._grace_s),
                tests.stop(self._grace_s),
                searches.stop(self._grace_s),
                domains.stop(0),  # begun anew by the next process
                probing.stop(),
            )
            landed.set()


async def _alive(reads: Reads, life: Life) -> None:
    """Before the first claim: others must see that this owner lives."""
    while True:
        try:
            if await reads.run(life.hold):
                return
        except Exception:
            log.exception("the engine has no database yet; it tries again")
        await asyncio.sleep(REST_S)


async def _again(
    work: Callable[[], Awaitable[None]], pause_s: float, end: asyncio.Event
) -> None:
    """Until the end; an error is logged and the next turn comes all the same."""
    while not end.is_set():
        rest_s = pause_s
        try:
            await work()
        except Exception:
            log.exception("a standing task of the engine failed; it goes on")
            rest_s = max(pause_s, REST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await end.wait()
