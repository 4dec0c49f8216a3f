"""Further rules of the outbox that the machine must miss, and how to take each out."""

from __future__ import annotations

from tests.machine.mutations import OUTBOX, one

HERE = "tests/outbox"
FURTHER = (
    one(
        "a kept copy is `sent`, whatever the newer attempt says",
        f"{OUTBOX}/arrival.py",
        "if case.kept(recipient):",
        "if to is None:",
        tests=(f"{HERE}/test_arrival.py",),
    ),
    one(
        "the mark comes before the dot",
        "portal/engine/courier.py",
        "return marked and flight.may_write_dot(self._timing.lease_s)",
        "return flight.may_write_dot(self._timing.lease_s)",
        tests=("tests/engine/test_holes.py", "tests/engine/test_sending.py"),
        seen=False,
    ),
    one(
        "the dot is written while half the lease is left",
        "portal/engine/courier.py",
        "return marked and flight.may_write_dot(self._timing.lease_s)",
        "return marked",
        tests=("tests/engine/test_holes.py",),
        seen=False,
    ),
    one(
        "the key is in the accept's transaction",
        "portal/services/sending/writing.py",
        "    if wanted.idempotency:\n",
        "    if wanted.idempotency and not plans:\n",
        tests=(f"{HERE}/test_accept.py", f"{HERE}/test_sending.py"),
    ),
    one(
        "a sender that holds gets no retry",
        f"{OUTBOX}/why.py",
        'version.settings.get("on_lost_reply") == HOLD',
        'version.settings.get("on_lost_reply") == ""',
        tests=(f"{HERE}/test_arrival.py", f"{HERE}/test_results.py"),
    ),
    one(
        "no retry of what a DELETE does not want",
        f"{OUTBOX}/arrival.py",
        "        and not recipient.cancel_asked\n",
        "",
        tests=(
            f"{HERE}/test_arrival.py",
            f"{HERE}/test_wishes.py",
            f"{HERE}/test_guards.py",
        ),
    ),
    one(
        "expiry ends the retry",
        f"{OUTBOX}/schedule.py",
        "                _rest(recipient)\n",
        "                continue\n",
        tests=(f"{HERE}/test_time.py",),
    ),
    one(
        "a late no removes a doubt only if it is the last",
        f"{OUTBOX}/results.py",
        "if recipient.state != State.UNCERTAIN or case.doubt(recipient):",
        "if recipient.state != State.UNCERTAIN:",
        tests=(f"{HERE}/test_results.py", f"{HERE}/test_locks.py"),
    ),
    one(
        "a late yes leaves a newer mark its end",
        f"{OUTBOX}/results.py",
        "if recipient.state == State.SENDING and past_its_mark:",
        "if past_its_mark is None:",
        tests=(f"{HERE}/test_results.py",),
    ),
    one(
        "quota comes back for what was never claimed only",
        f"{OUTBOX}/wishes.py",
        "unused += recipient.token == 0",
        "unused += 1",
        tests=(f"{HERE}/test_wishes.py",),
    ),
    one(
        "a scheduled mail keeps its time when the clock goes back",
        f"{OUTBOX}/schedule.py",
        "        Recipient.next_at > at,\n"
        "        Recipient.message.not_in(scheduled),\n",
        "        Recipient.next_at > at,\n",
        tests=(
            f"{HERE}/test_recovery.py",
            f"{HERE}/test_time.py",
            f"{HERE}/test_holes_of_time.py",
        ),
    ),
    one(
        "an open dot is never purged",
        f"{OUTBOX}/retention.py",
        " AND a.dot_at IS NOT NULL AND a.answer IS NULL)",
        " AND a.dot_at IS NOT NULL AND a.answer IS NULL AND a.id < 0)",
        tests=(f"{HERE}/test_retention.py",),
    ),
    one(
        "a result has its audit row",
        f"{OUTBOX}/results.py",
        "            settled[each.attempt_id] = Settled(each.actor, case, told)\n",
        "            case.moves.clear()\n"
        "            settled[each.attempt_id] = Settled(each.actor, case, {})\n",
        tests=(f"{HERE}/test_results.py",),
    ),
)
