"""Access tokens that all processes share, refreshed by one of them at a time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from portal.delivery.grants import OAuth
from portal.delivery.oauth import fetch
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import FailureKind
from portal.errors import Fault
from portal.net.types import Net
from portal.secret import Secret
from portal.services.senders.token_rows import (
    Lease,
    Place,
    fresh,
    keep,
    keep_refusal,
    place_of,
    take,
)
from portal.store.database import TROUBLE, connection
from portal.store.vault import Vault

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. A question is over well before its lease is; an answer that cannot
    be written yet is written again after each of `rewrite_s`."""

    lease_s: float = 30
    fetch_s: float = 10
    poll_s: float = 0.2
    rewrite_s: tuple[float, ...] = (0.2, 1, 3, 10, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTokens:
    """Implements `Tokens` with one row of the database for each grant.

    The OAuth settings it is asked with hold the secret that the sender was saved
    with; a refresh token that came since is in the row. `asks_again`: whoever
    waits is a person, so that an earlier refusal is no answer.
    """

    vault: Vault = field(repr=False)
    tenant_id: int
    net: Net
    ca_pem: str | None = None
    asks_again: bool = False
    timing: Timing = Timing()

    async def token(
        self, oauth: OAuth, *, timeout_s: float, refused: Secret | None = None
    ) -> Token | TokenRefusal:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._token(oauth, refused)
        except TimeoutError:
            return TokenRefusal(
                kind=FailureKind.TIMEOUT,
                words=f"No access token came within {timeout_s:.3g} s.",
                exception="TimeoutError",
            )
        except Fault as fault:
            return TokenRefusal(kind=FailureKind.INTERNAL, words=fault.sentence)
        except TROUBLE as error:
            log.warning("kept tokens cannot be read: %s", error)
            return TokenRefusal(
                kind=FailureKind.INTERNAL,
                words="The portal's database did not answer.",
                exception=type(error).__name__,
            )

    async def _token(
        self, oauth: OAuth, refused: Secret | None
    ) -> Token | TokenRefusal:
        place = place_of(self.vault, self.tenant_id, oauth)
        kept: Token | TokenRefusal | None = await _database(
            partial(fresh, self.vault, place, refused)
        )
        while kept is None:
            found = await self._take(place, refused)
            if isinstance(found, Lease):
                kept = await _to_the_end(self._ask(oauth, place, found))
            elif found is not None:
                kept = found
            else:
                await asyncio.sleep(self.timing.poll_s)
        return kept

    async def _take(
        self, place: Place, refused: Secret | None
    ) -> Token | TokenRefusal | Lease | None:
        work = partial(
            take,
            self.vault,
            place,
            by=secrets.token_hex(16),
            lease_s=self.timing.lease_s,
            refused=refused,
            asks_again=self.asks_again,
        )
        return await _database(work)

    async def _ask(
        self, oauth: OAuth, place: Place, lease: Lease
    ) -> Token | TokenRefusal | None:
        """One question, and its answer kept. None: another one was answered first,
        so that what is kept is newer."""
        newest = lease.refresh_token or oauth.refresh_token
        answer = await fetch(
            replace(oauth, refresh_token=newest),
            self.net,
            timeout_s=self.timing.fetch_s,
            ca_pem=self.ca_pem,
        )
        if isinstance(answer, TokenRefusal):
            kept = await self._write(partial(keep_refusal, place, lease, answer))
            return answer if kept else None
        await self._write(partial(keep, self.vault, place, lease, answer))
        return replace(answer, refresh_token=None)

    async def _write(self, work: Callable[[], T]) -> T:
        """Until it is committed: an answer that is lost may cost the grant, where
        the refresh token was a new one."""
        for pause in self.timing.rewrite_s:
            try:
                return await _database(work)
            except TROUBLE as error:
                log.warning("an answer with a token is not written yet: %s", error)
                await asyncio.sleep(pause)
        return await _database(work)


# A question goes on when the conversation that needed it is over: its answer may
# hold the only refresh token that is still good.
_asking: set[asyncio.Task[Token | TokenRefusal | None]] = set()


async def _to_the_end(
    question: Coroutine[None, None, Token | TokenRefusal | None],
) -> Token | TokenRefusal | None:
    task = asyncio.create_task(question, name="token")
    _asking.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


def _ended(task: asyncio.Task[Token | TokenRefusal | None]) -> None:
    _asking.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("a question for a token broke: %s", type(error).__name__)


async def _database(work: Callable[[], T]) -> T:
    def connected() -> T:
        with connection():
            return work()

    return await asyncio.to_thread(connected)
