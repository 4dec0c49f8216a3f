"""What a preflight has learnt, in its row and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.delivery.preflight import Asked
from portal.delivery.types import Outcome, Relay, Status

PASSED = "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedView:
    """One reverse-path and what the relay said to it; `said` is its reply, or why
    there was none."""

    sender: str
    taken: bool
    said: str


def preflight_json(
    outcome: Outcome, asked: Sequence[Asked], relay: Relay, to: str
) -> dict[str, Any]:
    """What differs from a test that sends. Stopped as asked is passed."""
    passed = outcome.status is Status.STOPPED and bool(asked)
    stopped = outcome.status is Status.STOPPED and not asked
    sentence = "The test was stopped." if stopped else _sentence(asked, relay, to)
    return {
        "status": PASSED if passed else outcome.status.value,
        "sentence": sentence,
        "asked": [_json(each) for each in asked],
    }


def read_asked(rows: Sequence[Mapping[str, Any]]) -> tuple[AskedView, ...]:
    return tuple(AskedView(**row) for row in rows)


def _sentence(asked: Sequence[Asked], relay: Relay, to: str) -> str:
    taken = [each for each in asked if each.taken]
    if not taken:
        return "Nothing was sent."
    what = (
        "this sender"
        if len(asked) == 1
        else "every sender"
        if len(taken) == len(asked)
        else f"{len(taken)} of {len(asked)} senders"
    )
    return f"{relay.host} takes {what} for {to}. Nothing was sent."


def _json(each: Asked) -> dict[str, Any]:
    said = str(each.reply) if each.reply else each.failure.words if each.failure else ""
    return {
        "sender": each.envelope.reverse_path or "<>",
        "taken": each.taken,
        "said": said,
    }
