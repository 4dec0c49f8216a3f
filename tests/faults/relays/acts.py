"""A scripted relay whose every connection plays another act, and what acts are of."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.relays.scripted import ScriptedRelay

START = "S: 220 relay.test ESMTP\nC: EHLO *\nS: 250 relay.test\n"
MAIL = "C: MAIL FROM:<kim@example.org>*\nS: 250 2.1.0 OK\n"
RCPT = "C: RCPT TO:<*>\nS: 250 2.1.5 OK\n"
DATA = "C: DATA\nS: 354 go on\n"
DOT = "C: (content)\n"
KEPT = "S: 250 2.0.0 kept\nC: QUIT\nS: 221 bye\n"
OPENED = START + MAIL + RCPT
TAKES = OPENED + DATA + DOT + KEPT


def rcpt(reply: str) -> str:
    return f"C: RCPT TO:<*>\nS: {reply}\n"


class Acting(ScriptedRelay):
    """The first connection plays the first act, the last act is for all others."""

    def __init__(self, acts: Sequence[str], contexts: Mapping[str, ssl.SSLContext]):
        self._acts = [act.splitlines() for act in acts]
        super().__init__("", contexts)

    def _play(self, connection: object) -> None:
        number = min(self.connections, len(self._acts)) - 1
        self._lines = self._acts[number]
        super()._play(connection)  # type: ignore[arg-type]


@contextmanager
def acting(
    *acts: str, contexts: Mapping[str, ssl.SSLContext] | None = None
) -> Iterator[Acting]:
    relay = Acting(acts, contexts or {})
    try:
        yield relay
    finally:
        relay.close()
