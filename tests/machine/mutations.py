"""The rules behind the holes of the design, and how to take each out.

The design walked through every order of events and found sixteen rules without which
mail is lost or doubled; `hole` is their number there and in docs/outbox.md, whose table
names their tests. The machine plays the engine's sockets and has one transaction at
a time: what only those do is not `seen` by it.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTBOX = "portal/services/outbox"
MINE = "mine = {row.id for row in case.mine(attempt) if not row.cancel_asked}"
WAITS = "state IN ('queued', 'deferred') AND next_at <= ? AND cancel_asked = ?"


@dataclass(frozen=True)
class Edit:
    path: str
    old: str
    new: str
    times: int = 1


@dataclass(frozen=True)
class Mutation:
    name: str
    edits: tuple[Edit, ...]
    hole: int | None = None
    tests: tuple[str, ...] = ()
    seen: bool = True


def one(
    name: str,
    path: str,
    old: str,
    new: str,
    hole: int | None = None,
    tests: tuple[str, ...] = (),
    *,
    seen: bool = True,
) -> Mutation:
    return Mutation(name, (Edit(path, old, new),), hole, tests, seen)


HOLES = (
    Mutation(
        "the mark names the state",
        (
            Edit(
                f"{OUTBOX}/marks.py",
                MINE,
                "mine = {row.id for row in case.recipients.values()"
                " if row.token == attempt.number and not row.cancel_asked}",
            ),
            # Guarded twice: a lease that ended leaves its answer with the attempt.
            Edit(
                f"{OUTBOX}/marks.py",
                "        if case and attempt and _is_open(attempt):\n",
                "        if case and attempt:\n",
            ),
            Edit(
                f"{OUTBOX}/marks.py",
                '"id = ? AND dot_at IS NULL AND answer IS NULL"',
                '"id = ? AND dot_at IS NULL"',
            ),
        ),
        1,
    ),
    one(
        "the mark locks the route",
        f"{OUTBOX}/rows.py",
        '_FENCE + (" FOR SHARE" if locking() else "")',
        "_FENCE",
        2,
        seen=False,
    ),
    one(
        "the mark compares the fence",
        f"{OUTBOX}/marks.py",
        "granted = fence == attempt.claimed_fence and _all_mine",
        "granted = fence >= 0 and _all_mine",
        2,
    ),
    Mutation(
        "the mark leaves out who was refused",
        (
            Edit(
                f"{OUTBOX}/marks.py",
                "    _refuse(case, attempt, wanted.refused, wanted.timing)\n"
                "    if granted:\n        _write_mark(case, attempt, accepted)\n",
                "    if granted:\n"
                "        _write_mark(case, attempt, [*accepted, *wanted.refused])\n",
            ),
        ),
        3,
    ),
    one(
        "a late answer counts",
        f"{OUTBOX}/results.py",
        "    changes: dict[str, Any] = ending.told.columns()\n",
        "    if attempt.has_ended:\n        return False\n"
        "    changes: dict[str, Any] = ending.told.columns()\n",
        4,
    ),
    one(
        "a doubt stays",
        f"{OUTBOX}/arrival.py",
        "if to in FINAL and to is not State.SENT and case.doubt(recipient):",
        "if to is None:",
        5,
    ),
    one(
        "the answer to a move counts dots, not states",
        "portal/services/senders/routing.py",
        "            Attempt.answer.is_null(),\n"
        "            Attempt.claimed_fence < fence,\n",
        "            Attempt.answer.is_null(),\n"
        "            Attempt.ended_at.is_null(),\n"
        "            Attempt.claimed_fence < fence,\n",
        6,
    ),
    one(
        "a move closes idle connections only",
        "portal/engine/dispatch.py",
        "            await state.close_idle(all_of_them=replaced)\n",
        "            await state.close_idle(all_of_them=replaced)\n"
        "            if replaced:\n"
        "                self._cancel(lambda flight: flight.claimed.lane == lane)\n",
        7,
        seen=False,
    ),
    Mutation(
        "a hand-over is claimed like any row",
        (
            Edit(
                f"{OUTBOX}/claim.py",
                WAITS,
                "COALESCE(next_at, 0) <= ? AND cancel_asked = ?",
                2,
            ),
        ),
        8,
    ),
    Mutation(
        "only leases that are over are recovered",
        (
            Edit(
                f"{OUTBOX}/recovery.py",
                "Attempt.lease_until < moment()",
                "Attempt.lease_until.is_null(False)",
            ),
            Edit(
                f"{OUTBOX}/recovery.py",
                "(Attempt.lease_until < case.at)",
                "Attempt.lease_until.is_null(False)",
            ),
        ),
        9,
    ),
    one(
        "a start waits for one lease",
        "portal/engine/clocks.py",
        "return self._rested(self._timing.lease_s, self._begun_at)",
        "return self._rested(self._timing.lease_s, None)",
        9,
    ),
    one(
        "a lease from the future is cut",
        f"{OUTBOX}/schedule.py",
        "queries = (leases, waits, retries, trials)",
        "queries = (waits, retries, trials)",
        10,
    ),
    one(
        "leases rest after a jump of the clock",
        "portal/engine/clocks.py",
        "return self._rested(self._timing.lease_s, self._begun_at)",
        "return self._begun_at is not None",
        11,
    ),
    one(
        "expiry rests after a jump of the clock",
        "portal/engine/clocks.py",
        "return self._rested(self._timing.clock_rest_s, None)",
        "return self._begun_at is not None",
        12,
    ),
    one(
        "what is requeued obeys a DELETE",
        f"{OUTBOX}/arrival.py",
        "if to in WAITING and recipient.cancel_asked:",
        "if to is None:",
        13,
    ),
    one(
        "the mark obeys a DELETE",
        f"{OUTBOX}/marks.py",
        MINE,
        MINE.replace(" if not row.cancel_asked", ""),
        13,
    ),
    Mutation(
        "a result is written once",
        (
            # Guarded twice: by what the lock showed, and by the row itself.
            Edit(
                f"{OUTBOX}/results.py",
                "    if attempt.answer is not None:\n        return False\n",
                "",
            ),
            Edit(f"{OUTBOX}/results.py", '"id = ? AND answer IS NULL"', '"id = ?"'),
        ),
        14,
    ),
    Mutation(
        "version and fence are read at once",
        (
            Edit(
                f"{OUTBOX}/claim.py",
                '" SELECT ?, ?, ?, ?, route.active_version_id, route.fence, ?, ?, ?, ?"',
                '" SELECT ?, ?, ?, ?, CAST(? AS bigint), route.fence, ?, ?, ?, ?"',
            ),
            Edit(
                f"{OUTBOX}/claim.py",
                "        str(lane.route),\n        owner,\n",
                "        str(lane.route),\n        lane.version_id,\n        owner,\n",
            ),
        ),
        15,
        seen=False,
    ),
    one(
        "there is one retry",
        f"{OUTBOX}/arrival.py",
        "recipient.uncertain_count == 0\n        and not",
        "recipient.uncertain_count >= 0\n        and not",
        16,
    ),
)
