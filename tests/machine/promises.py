"""What holds of the outbox at every moment, row by row.

Each function compares what was seen before a step with what is seen after it, and
says what does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from portal.services.outbox.ledger import EVENTS
from portal.services.outbox.states import FINAL, WAITING, State, derive
from tests.machine.seen import Row, Seen, Try

NONE_KEPT = (State.FAILED, State.EXPIRED, State.CANCELLED)
_SENT, _UNCERTAIN, _DEFERRED = State.SENT, State.UNCERTAIN, State.DEFERRED
_QUEUED, _SENDING, _FAILED = State.QUEUED, State.SENDING, State.FAILED
_LET_GO = {_QUEUED, _SENT, _UNCERTAIN, State.CANCELLED}

# Where each kind of step may bring a recipient (outbox/transitions, section 2).
EDGES: dict[str, dict[str, set[State]]] = {
    "claim": {_QUEUED: {_SENDING}, _DEFERRED: {_SENDING}},
    "mark": {_SENDING: _LET_GO | {_DEFERRED, _FAILED}},
    "end": {
        _SENDING: _LET_GO | {_DEFERRED, _FAILED},
        _QUEUED: {_SENT},
        _DEFERRED: {_SENT},
        _UNCERTAIN: {_SENT, _DEFERRED, _FAILED, State.CANCELLED},
    },
    "tick": {
        _SENDING: _LET_GO,
        _QUEUED: {State.EXPIRED, _UNCERTAIN, _SENT},
        _DEFERRED: {State.EXPIRED, _UNCERTAIN, _SENT},
        _UNCERTAIN: {_DEFERRED, _SENT},
    },
    "cancel": {
        _QUEUED: {State.CANCELLED, _UNCERTAIN, _SENT},
        _DEFERRED: {State.CANCELLED, _UNCERTAIN, _SENT},
    },
    "decide": {_UNCERTAIN: {_SENT, _FAILED}},
}
EDGES["stop"] = EDGES["end"]  # of several attempts


def nothing_disappears(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    """Only old mail goes, that is settled and of which nobody doubts."""
    for gone in before.mails.keys() - now.mails.keys():
        rows = before.of(gone)
        doubted = any(
            each.is_open_dot for each in before.tries.values() if each.mail_id == gone
        )
        if kind != "purge" or doubted or any(row.state not in FINAL for row in rows):
            yield f"message {gone} disappeared with {[row.state for row in rows]}"
    for key, row in before.rows.items():
        if key not in now.rows and row.mail_id in now.mails:
            yield f"recipient {key} disappeared"


def moves_are_legal(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    """Final states are final, and every other move is one of the table, with one
    audit row each; a claim has its attempt's row instead."""
    told = _told(now)
    for key, row in now.rows.items():
        old = before.rows.get(key)
        if old is None:
            continue
        path = [old.state, *told.get((row.mail_id, row.address), [])]
        if kind == "claim" and row.state != old.state:
            path.append(row.state)
        edges = EDGES.get(kind, {})
        for one, other in pairwise(path):
            if other not in edges.get(one, ()):
                yield f"{_name(row)} went from {one} to {other} by a {kind}"
        if path[-1] != row.state:
            yield f"{_name(row)} is {row.state}, its audit rows say {path}"


def events_have_their_names(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    for event in now.events:
        if event.name == "email.accepted":
            continue
        name = "email.decided" if kind == "decide" else EVENTS[State(event.state or "")]
        if event.name != name:
            yield f"{event} is not called {name}"


def what_is_written_stays(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    """Message-ID, Date and bytes; numbers only grow; marks and answers stay."""
    for key, mail in now.mails.items():
        old = before.mails.get(key)
        if old is not None:
            if old.frozen != mail.frozen:
                yield f"message {key}: {old.frozen} became {mail.frozen}"
            if old.attempts > mail.attempts:
                yield f"message {key}: attempts went back"
    for key, row in now.rows.items():
        was = before.rows.get(key)
        if was is not None and any(
            new < old for new, old in zip(row.counts, was.counts, strict=True)
        ):
            yield f"{_name(row)}: {was.counts} became {row.counts}"
    for key, each in now.tries.items():
        if (past := before.tries.get(key)) is not None:
            yield from _attempt_stays(past, each)


def attempts_are_counted(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    for mail in now.mails.values():
        mine = [each for each in now.tries.values() if each.mail_id == mail.id]
        numbers = sorted(each.number for each in mine)
        if numbers != list(range(1, mail.attempts + 1)):
            yield f"message {mail.id}: {mail.attempts} attempts, {numbers}"


def messages_are_what_their_recipients_are(
    before: Seen, now: Seen, kind: str
) -> Iterator[str]:
    for mail in now.mails.values():
        states = [row.state for row in now.of(mail.id)]
        if mail.state != derive(states):
            yield f"message {mail.id} is {mail.state}, its recipients {states}"
        if mail.is_settled != all(state in FINAL for state in states):
            yield f"message {mail.id}: settled {mail.is_settled}, {states}"


def states_say_what_attempts_know(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    """`uncertain` is an open dot, `sent` a kept one, `failed`, `expired` and
    `cancelled` neither; unless a person has decided."""
    for row in now.rows.values():
        if row.decided_by is not None:
            continue
        covering = now.covering(row)
        open_dot = any(each.is_open_dot for each in covering)
        kept = any(each.answer == "kept" for each in covering)
        if row.state == State.UNCERTAIN and not open_dot:
            yield f"{_name(row)} is uncertain, and no dot is open"
        if row.state == State.SENT and not kept:
            yield f"{_name(row)} is sent, and no attempt was kept"
        if row.state in NONE_KEPT and (open_dot or kept):
            yield f"{_name(row)} is {row.state}, a dot is open or kept"


def one_retry(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    for row in now.rows.values():
        if row.retry_at is None:
            continue
        if row.state != State.UNCERTAIN or row.cancel_asked or row.uncertain_count != 1:
            yield f"{_name(row)} is to be tried again: {row}"


def a_wish_is_kept(before: Seen, now: Seen, kind: str) -> Iterator[str]:
    """What somebody has cancelled waits for no worker."""
    for row in now.rows.values():
        if row.cancel_asked and row.state in WAITING:
            yield f"{_name(row)} is {row.state} after its DELETE"


def copies_agree(now: Seen, copies: Mapping[int, list[int]]) -> Iterator[str]:
    """Against what the relay keeps, by recipient."""
    for row in now.rows.values():
        there = len(copies.get(row.id, ()))
        if there > min(1 + row.uncertain_count, 2):
            yield f"{_name(row)}: {there} copies, uncertain {row.uncertain_count} times"
        if row.decided_by is not None:
            continue
        if row.state == State.SENT and not there:
            yield f"{_name(row)} is sent, and the relay has nothing"
        if row.state in NONE_KEPT and there:
            yield f"{_name(row)} is {row.state}, and the relay has {there}"


def _told(now: Seen) -> dict[tuple[int, str], list[str]]:
    """By message and address: the states of the new audit rows."""
    by_public_id = {mail.public_id: mail.id for mail in now.mails.values()}
    told: dict[tuple[int, str], list[str]] = {}
    for event in now.events:
        if event.name != "email.accepted" and event.public_id in by_public_id:
            for address in event.addresses:
                key = by_public_id[event.public_id], address
                told.setdefault(key, []).append(event.state or "")
    return told


def _attempt_stays(past: Try, now: Try) -> Iterator[str]:
    fixed = ("mail_id", "number", "targets", "version_id", "fence", "owner")
    once = ("dot_at", "answer", "ended_at")
    for name in fixed:
        if getattr(past, name) != getattr(now, name):
            yield f"attempt {now.id}: {name} changed"
    for name in once:
        was, here = getattr(past, name), getattr(now, name)
        late_answer = name == "ended_at" and past.answer is None
        if was is not None and was != here and not late_answer:
            yield f"attempt {now.id}: {name} was {was}, is {here}"
    if past.covered and past.covered != now.covered:
        yield f"attempt {now.id}: its mark covers others now"


def _name(row: Row) -> str:
    return f"recipient {row.id} of message {row.mail_id}"


ROW_BY_ROW = (
    nothing_disappears,
    moves_are_legal,
    events_have_their_names,
    what_is_written_stays,
    attempts_are_counted,
    messages_are_what_their_recipients_are,
    states_say_what_attempts_know,
    one_retry,
    a_wish_is_kept,
)
