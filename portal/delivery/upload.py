"""From 354 to the answer to the dot, with the caller's word right before the dot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiosmtplib

from portal.delivery.content import Blocks
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble, caught
from portal.delivery.types import FailureKind, Reply
from portal.delivery.wire import Wire

Answer = asyncio.Task[aiosmtplib.SMTPResponse]


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
    wire = talk.connected.wire
    if wire is None:
        raise Trouble(FailureKind.CLOSED, "The connection was lost.")
    # The reader is there before the first byte: an early answer must be heard.
    answer = asyncio.ensure_future(talk.connected.next_reply())
    await asyncio.sleep(0)
    try:
        for block in blocks.first():
            with caught(0):
                wire.write(block)
            await _taken(talk, wire, answer)
        talk.transcript.client(f"({blocks.size_bytes:,} bytes of content)")
        await permission()
        _refuse_early(talk, answer)
        if talk.patience(1) == 0:
            raise Trouble(
                FailureKind.TIMEOUT,
                "The time for the whole was over before the final dot: timed out.",
                exception="TimeoutError",
            )
        with caught(0):
            wire.write(blocks.last)
        dotted()
        talk.transcript.client(".")
        async with talk.within(talk.limits.dot_s):
            response = await asyncio.shield(answer)
        return talk.heard(response)
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)


async def _taken(talk: Talk, wire: Wire, answer: Answer) -> None:
    """Waits until the kernel takes more, or the relay speaks early."""
    drained = asyncio.ensure_future(wire.drained())
    try:
        async with talk.within(talk.limits.block_s):
            await asyncio.wait({drained, answer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        drained.cancel()
    _refuse_early(talk, answer)


def _refuse_early(talk: Talk, answer: Answer) -> None:
    """An answer before the dot is a refusal, or no SMTP; the mail is not in."""
    if not answer.done():
        return
    with caught(0):
        response = answer.result()
    reply = talk.heard(response)
    if reply.positive:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay answered before the content was complete: {reply}",
            reply=reply,
        )
    raise Trouble.of_reply(reply)
