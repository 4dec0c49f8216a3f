"""The conversations of these tests: one mail to a relay on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from portal.delivery.conversation import Session, always, connect, converse
from portal.delivery.types import (
    Auth,
    BeforeDot,
    Limits,
    Outcome,
    Relay,
    Security,
    Stage,
    Step,
    StepStatus,
)
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.relays.scripted import ScriptedRelay

CONTENT = b"Subject: hi\r\n\r\n.one dot\r\nhi\r\n"
BIG = b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 30_000
PASSWORD = "hunter2!"
# For a relay that falls silent. A busy machine may well need a while for an answer,
# so where one is to come the limit is no part of the test.
QUICK = Limits.every(1, 10)
PATIENT = Limits.every(20, 40)


def relay_at(server, security: str = "none", **values) -> Relay:
    """A Relay for a ScriptedRelay or a Sink; with `username` it signs in."""
    if "username" in values:
        values.setdefault("auth", Auth.PASSWORD)
        values.setdefault("password", Secret(PASSWORD))
    values.setdefault("auth", Auth.NONE)
    values.setdefault("ehlo_name", "portal.test")
    values.setdefault("host", server.host)
    return Relay(port=server.port, security=Security(security), **values)


def patience_with(relay: ScriptedRelay) -> Limits:
    """No longer than it takes to see that it falls silent, if it does."""
    return QUICK if relay.falls_silent else PATIENT


def envelope_to(*recipients: str) -> Envelope:
    return Envelope(
        reverse_path="kim@example.org", recipients=recipients or ("lee@example.net",)
    )


def submit(
    relay: Relay,
    envelope: Envelope | None = None,
    content: bytes = CONTENT,
    *,
    limits: Limits = PATIENT,
    before_dot: BeforeDot = always,
    stop_after: Stage | None = None,
    steps: list[Step] | None = None,
) -> Outcome:
    """One conversation from start to end; `steps` collects what was watched."""
    watch = steps.append if steps is not None else (lambda step: None)
    return asyncio.run(
        converse(
            relay,
            OpenNet(),
            envelope or envelope_to(),
            content,
            watch,
            limits=limits,
            before_dot=before_dot,
            stop_after=stop_after,
        )
    )


def in_one_session(relay, count: int, *recipients: str) -> tuple[Session, list]:
    """So many mails over one connection, as long as it is usable."""

    async def run() -> tuple[Session, list[Outcome]]:
        session = await connect(relay, OpenNet(), lambda step: None, limits=PATIENT)
        ends = []
        for _ in range(count):
            if session.usable:
                mail = envelope_to(*recipients)
                ends.append(
                    await session.submit(
                        mail, CONTENT, always, lambda step: None, limits=QUICK
                    )
                )
        await session.close()
        return session, ends

    return asyncio.run(run())


def statuses(outcome: Outcome) -> list[str]:
    return [result.status for result in outcome.recipients]


def reached(outcome: Outcome) -> Sequence[str]:
    """The stages that were begun."""
    return [step.stage for step in outcome.steps if step.status != StepStatus.SKIPPED]


def text_of(outcome: Outcome) -> str:
    """Everything a person could read of an outcome."""
    return "\n".join(
        [
            repr(outcome),
            *(f"{line.who}: {line.text}" for line in outcome.transcript),
        ]
    )
