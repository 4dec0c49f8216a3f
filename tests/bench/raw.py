"""Senders alone, on prebuilt bytes: aiosmtplib's pool against our own sessions."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosmtplib

from portal.delivery.conversation import always, connect
from portal.delivery.types import Auth, Failed, Relay, Security, Status, Step
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.bench.load import TEXT

BODY = TEXT.replace("\n", "\r\n")


def content(number: int) -> bytes:
    return (
        f"From: bench@example.org\r\nTo: to{number}@example.net\r\n"
        f"Subject: Bench {number}\r\nMessage-ID: <raw{number}@example.org>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n{BODY}\r\n"
    ).encode()


async def by_library(port: int, mails: int, connections: int, ca: Path | None) -> float:
    """Mails a second, connecting not counted."""
    context = ssl.create_default_context(cafile=ca) if ca else None

    async def open_one() -> Callable[[int], Awaitable[None]]:
        client = aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=port,
            use_tls=bool(ca),
            start_tls=False,
            tls_context=context,
            local_hostname="bench.example.org",
        )
        await client.connect()
        if ca:
            await client.auth_plain("bench", "bench")

        async def send(number: int) -> None:
            await client.sendmail(
                "bench@example.org", [f"to{number}@example.net"], content(number)
            )

        return send

    return await _race([await open_one() for _ in range(connections)], mails)


async def by_session(port: int, mails: int, connections: int, ca: Path | None) -> float:
    """The same through `delivery`, without marks."""
    trusted = await asyncio.to_thread(ca.read_text) if ca else None
    relay = Relay(
        host="127.0.0.1",
        port=port,
        security=Security.TLS if ca else Security.NONE,
        auth=Auth.PASSWORD if ca else Auth.NONE,
        ehlo_name="bench.example.org",
        username="bench" if ca else None,
        password=Secret("bench") if ca else None,
        ca_pem=trusted,
    )

    async def open_one() -> Callable[[int], Awaitable[None]]:
        session = await connect(relay, OpenNet(), _ignore)
        assert not isinstance(session, Failed), session

        async def send(number: int) -> None:
            envelope = Envelope(
                reverse_path="bench@example.org",
                recipients=(f"to{number}@example.net",),
            )
            outcome = await session.submit(envelope, content(number), always, _ignore)
            assert outcome.status is Status.SENT, outcome

        return send

    return await _race([await open_one() for _ in range(connections)], mails)


async def _race(senders: list[Callable[[int], Awaitable[None]]], mails: int) -> float:
    work = iter(range(mails))

    async def run(send: Callable[[int], Awaitable[None]]) -> None:
        for number in work:
            await send(number)

    began = time.monotonic()
    await asyncio.gather(*(run(send) for send in senders))
    return mails / (time.monotonic() - began)


def _ignore(step: Step) -> None:
    """Nobody watches a benchmark's steps."""
