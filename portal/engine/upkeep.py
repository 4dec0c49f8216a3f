"""What must be looked after besides mail: the disk, the database's log, the quotas."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from portal.engine.reads import Reads
from portal.services import recount
from portal.services.actor import Actor
from portal.store.room import LONG_LOG_BYTES, MIB

log = logging.getLogger(__name__)


class Upkeep:
    """`look` every few seconds, `recount` once an hour. Each trouble is told once,
    and again when it comes again."""

    def __init__(self, actor: Actor, reads: Reads) -> None:
        self._actor = actor
        self._room = actor.installation.room
        self._reads = reads
        self._is_short = False
        self._is_long = False

    async def look(self) -> None:
        await self._reads.run(self._look)

    async def recount(self) -> None:
        """The count is read beside the mail; only what differs is written."""
        if not await self._reads.run(recount.is_due):
            return
        found = await self._reads.run(recount.differences)
        close = partial(recount.close, self._actor, differ=bool(found))
        writer = self._actor.installation.writer
        await asyncio.wrap_future(writer.submit(close))

    def _look(self) -> None:
        self._look_at_room()
        self._look_at_log()

    def _look_at_room(self) -> None:
        room = self._room
        room.take_ballast()
        short = not room.accepts()
        if short and not self._is_short:
            log.warning(
                "the disk is nearly full, %d MB free: below %d MB no mail is accepted,"
                " below %d MB none is sent",
                (room.free_bytes or 0) // MIB,
                room.accept_floor_bytes // MIB,
                room.floors.claim_bytes // MIB,
            )
        if self._is_short and not short:
            log.info("the disk has room again: mail is accepted")
        self._is_short = short

    def _look_at_log(self) -> None:
        size = self._room.log_bytes()
        long = size >= LONG_LOG_BYTES
        if long and not self._is_long:
            log.warning(
                "the log of the database has grown to %d MB: something reads from"
                " portal.db without an end (a backup, a shell)",
                size // MIB,
            )
        self._is_long = long
