"""The questions of one report: each asked once, all at once, within its limits.

Nothing outlives the report, so to check again is to ask again.
"""

from __future__ import annotations

import asyncio
from typing import Self

from portal.net.records import Answered, Dns, Kind, Records

MOST_QUESTIONS = 60
PATIENCE_S = 10.0


class Asking:
    """A report's view of the DNS. A question that was asked already is not asked
    again; beyond `most` questions, or later than `patience_s`, the answer is that
    there was none in time. Made inside the running loop."""

    def __init__(
        self,
        dns: Dns,
        *,
        most: int = MOST_QUESTIONS,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._dns = dns
        self._left = most
        self._until = asyncio.get_running_loop().time() + patience_s
        self._asked: dict[tuple[str, Kind], asyncio.Task[Records]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def begin(self, name: str, kind: Kind) -> asyncio.Future[Records] | None:
        """Asks, if nobody has yet. None: there have been too many questions."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            if not self._one_more():
                return None
            self._asked[key] = asyncio.create_task(self._in_time(*key))
        return self._asked[key]

    async def ask(self, name: str, kind: Kind) -> Records:
        """`name` in A-labels. Never raises, and may be awaited by many at once."""
        answer = self.begin(name, kind)
        if answer is None:
            return _none(name, kind)
        # Whoever else waits for the same answer must not lose it by our end.
        return answer.result() if answer.done() else await asyncio.shield(answer)

    @property
    def left_s(self) -> float:
        """Seconds until the report has to be there."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    async def _in_time(self, name: str, kind: Kind) -> Records:
        try:
            async with asyncio.timeout_at(self._until):
                return await self._dns.ask(name, kind, self._one_more)
        except TimeoutError:
            return _none(name, kind)

    def _one_more(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _none(name: str, kind: Kind) -> Records:
    return Records(name=name, kind=kind, answered=Answered.TIMEOUT)
