"""The eight states of a recipient, and the state of a message made of them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"  # the relay took responsibility: 2yz after the final dot
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # a dot is out and no answer came (RFC 1047)
    EXPIRED = "expired"
    CANCELLED = "cancelled"


PARTIAL = "partial"  # of a message only: some of its recipients are sent

WAITING = (State.QUEUED, State.DEFERRED)  # a claim may take these
FINAL = frozenset({State.SENT, State.FAILED, State.EXPIRED, State.CANCELLED})

# A message is what its least settled recipient is.
_UNSETTLED = (State.SENDING, State.QUEUED, State.DEFERRED, State.UNCERTAIN)
_ENDED = (State.FAILED, State.EXPIRED, State.CANCELLED)


def derive(states: Iterable[str]) -> str:
    """The state of a message from those of its recipients."""
    found = set(states)
    for state in _UNSETTLED:
        if state in found:
            return state
    if State.SENT in found:
        return State.SENT if found == {State.SENT} else PARTIAL
    return next((state for state in _ENDED if state in found), State.CANCELLED)
