"""The outbox in numbers, for whoever watches the installation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from peewee import fn

from portal.services.outbox.rows import tuples
from portal.services.outbox.states import State
from portal.store.database import connection
from portal.store.fields import instant, now
from portal.store.models import Attempt, Recipient

_WAITING = (State.QUEUED, State.SENDING, State.DEFERRED, State.UNCERTAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """`waiting` and `settled` are recipients by state, `outcomes` attempts by
    theirs; `oldest_s` is how long the longest due recipient has been due."""

    waiting: dict[str, int]
    settled: dict[str, int]
    outcomes: dict[str, int]
    oldest_s: float


def gauges() -> Gauges:
    with connection():
        by_state = _count(Recipient, Recipient.state)
        outcomes = _count(Attempt, Attempt.outcome)
        due = Recipient.select(fn.MIN(Recipient.next_at)).where(
            Recipient.state.in_((State.QUEUED, State.DEFERRED))
        )
        oldest = tuples(due)[0][0]
    return Gauges(
        waiting={state: by_state.get(state, 0) for state in _WAITING},
        settled={
            state: by_state.get(state, 0) for state in State if state not in _WAITING
        },
        outcomes={name: count for name, count in outcomes.items() if name},
        oldest_s=_age_s(oldest),
    )


def _count(table: type[Recipient] | type[Attempt], column: object) -> dict[str, int]:
    query = table.select(column, fn.COUNT(table.id)).group_by(column)
    return {row[0]: row[1] for row in tuples(query)}


def _age_s(value: int | datetime | None) -> float:
    if value is None:
        return 0.0
    at = value if isinstance(value, datetime) else instant(value)
    return max((now() - at).total_seconds(), 0.0)
