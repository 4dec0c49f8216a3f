"""The commands of one mail, sent as far ahead of their answers as the relay allows.

RFC 2920 §3.1: MAIL, each RCPT and DATA may go out together, and each still has its
answer. Where PIPELINING is not offered the same commands go one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portal.delivery.talk import Talk
from portal.delivery.types import Reply

# One group, and its answers, fit into what both sides' kernels hold.
GROUP_COMMANDS = 100
GROUP_OCTETS = 16 * 1024


class Ahead:
    """`answer` is the reply to the next command; what must be sent for it is sent."""

    def __init__(
        self, talk: Talk, commands: Sequence[bytes], *, pipelining: bool
    ) -> None:
        self._talk = talk
        self._groups = _groups(commands) if pipelining else ([one] for one in commands)

    async def answer(self, limit_s: float | None = None) -> Reply:
        if not self._talk.owes:
            self._talk.say(next(self._groups))
        return await self._talk.hear(limit_s)

    async def rest(self) -> list[Reply]:
        """The answers to what went out along with a command that was refused."""
        replies = []
        while self._talk.owes:
            replies.append(await self._talk.hear())
        return replies


def _groups(commands: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    octets = 0
    for command in commands:
        octets += len(command) + 2
        if group and (len(group) == GROUP_COMMANDS or octets > GROUP_OCTETS):
            yield group
            group, octets = [], len(command) + 2
        group.append(command)
    yield group
