"""From 354 to the answer to the dot, with the caller's word right before the dot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from portal.delivery.content import Blocks
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble, caught
from portal.delivery.types import FailureKind, Reply
from portal.delivery.wire import Wire


async def upload(
    talk: Talk,
    blocks: Blocks,
    permission: Callable[[], Awaitable[None]],
    dotted: Callable[[], None],
) -> Reply:
    """Writes all but the last block, asks, writes the rest with the dot, and reads.

    `permission` raises Trouble when the dot must not be written; `dotted` is
    called in the moment after which nobody can take the mail back.
    """
    wire = talk.wire
    for block in blocks.first():
        _write(wire, block)
        await _taken(talk, wire)
    talk.transcript.client(f"({blocks.size_bytes:,} bytes of content)")
    _refuse_early(talk, wire)
    await permission()
    _refuse_early(talk, wire)
    if talk.patience(1) == 0:
        raise Trouble(
            FailureKind.TIMEOUT,
            "The time for the whole was over before the final dot: timed out.",
            exception="TimeoutError",
        )
    _write(wire, blocks.last)
    dotted()
    talk.transcript.client(".")
    return await talk.hear(talk.limits.dot_s)


def _write(wire: Wire, data: bytes) -> None:
    with caught(0):
        wire.send(data, replies=0)  # the one to the content is owed since 354


async def _taken(talk: Talk, wire: Wire) -> None:
    """Waits until the kernel takes more, or the relay speaks early."""
    await asyncio.sleep(0)  # an early answer must be heard while room lasts, too
    if wire.is_full and not wire.has_news:
        async with talk.within(talk.limits.block_s):
            while wire.is_full and not wire.has_news:
                await wire.stirred()
    _refuse_early(talk, wire)


def _refuse_early(talk: Talk, wire: Wire) -> None:
    """An answer before the dot is a refusal, or no SMTP; the mail is not in."""
    if not wire.has_news:
        return
    reply = talk.heard(talk.next_response())
    if reply.positive:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay answered before the content was complete: {reply}",
            reply=reply,
        )
    raise Trouble.of_reply(reply)
