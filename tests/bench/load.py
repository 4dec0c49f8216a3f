"""Clients that POST /send over connections they keep, closed or open loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

TEXT = ("A line of an ordinary message, of about eighty characters in all.\n" * 64)[
    :4000
]


@dataclass
class Answers:
    """What came of a load. Times are monotonic seconds."""

    began: float = 0.0
    ended: float = 0.0
    accepted_at: dict[str, float] = field(default_factory=dict)  # by Message-ID
    took_s: list[float] = field(default_factory=list)  # a request
    refused: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.accepted_at)


def mail(number: int) -> dict[str, object]:
    return {
        "to": f"to{number}@example.net",
        "subject": f"Bench {number}",
        "text": TEXT,
    }


async def load(
    port: int,
    key: str,
    *,
    mails: int,
    clients: int,
    batch: int = 1,
    rate: float | None = None,
    into: Answers | None = None,
) -> Answers:
    """`mails` messages, `batch` in a request; `rate` requests a second, or as fast
    as the answers come. `into` keeps what came where the load is cut off."""
    answers = into if into is not None else Answers()
    answers.began = time.monotonic()
    work = iter(range(0, mails, batch))
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(
                _client(port, key, work, min(batch, mails), rate, answers)
            )
    answers.ended = time.monotonic()
    return answers


async def _client(
    port: int,
    key: str,
    work: Iterator[int],
    batch: int,
    rate: float | None,
    answers: Answers,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for first in work:
            due = answers.began + first / batch / rate if rate else None
            if due is not None:
                await asyncio.sleep(max(due - time.monotonic(), 0))
            await _post(reader, writer, key, first, batch, due, answers)
    finally:
        writer.close()


async def _post(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    key: str,
    first: int,
    batch: int,
    due: float | None,
    answers: Answers,
) -> None:
    mails = [mail(first + place) for place in range(batch)]
    body = json.dumps(mails if batch > 1 else mails[0]).encode()
    # In an open loop a request that had to wait for its client waited for us.
    began = due if due is not None else time.monotonic()
    writer.write(
        b"POST /send HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
        % (key.encode(), len(body))
        + body
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    answer = await reader.readexactly(length)
    now = time.monotonic()
    answers.took_s.append(now - began)
    if head.split(b" ", 2)[1] != b"202":
        answers.refused.append(answer.decode()[:200])
        return
    document = json.loads(answer)
    for each in document["messages"] if batch > 1 else [document]:
        answers.accepted_at[each["message_id"]] = now
