"""How each rule of the machine is played: on the real outbox, and in the book."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import peewee

from portal.delivery.types import Outcome, Reply
from portal.services import senders
from portal.services.outbox import retention
from portal.services.outbox.states import FINAL, State
from portal.services.senders import LeftBehind
from portal.services.sending import cancel, decide
from tests.machine import relay
from tests.machine.book import Book
from tests.machine.callers import Callers
from tests.machine.office import Office
from tests.machine.seen import Mail, Row
from tests.machine.sundial import next_due_s
from tests.machine.worker import Errand, Worker

T = TypeVar("T")
AT_REST_WITHIN_S = 600  # true seconds after which nobody is `sending` any more
ROUNDS = 12


class Playing:
    """Two workers, callers and people; `wire` are dots that outlived their worker."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.book = Book.opened(office)
        self.callers = Callers(office, self.book)
        self.wire: list[Errand] = []
        self._births = 0
        self.workers = [self._born(), self._born()]

    # -- people and programs

    @property
    def keys(self) -> bool:
        return bool(self.callers.keys)

    def accept(self, to: int, *, keyed: bool, later: bool, urgent: bool) -> None:
        self.callers.accept(to, keyed=keyed, later=later, urgent=urgent)

    def repeat(self, pick: int, *, other_body: bool) -> None:
        self.callers.repeat(pick, other_body=other_body)

    def uncertain(self) -> list[Row]:
        rows = self.book.seen.rows.values()
        return [row for row in rows if row.state == State.UNCERTAIN]

    def cancel(self, pick: int) -> None:
        mail = _one(list(self.book.seen.mails.values()), pick)
        cancel(self.office.owner, mail.public_id)
        self.book.turn("cancel")
        self.book.cancelled.add(mail.id)

    def decide(self, pick: int, to: State, *, all_of_it: bool) -> None:
        row = _one(self.uncertain(), pick)
        mail: Mail = self.book.seen.mails[row.mail_id]
        address = None if all_of_it else row.address
        decide(self.office.owner, mail.public_id, to, address=address)
        seen = self.book.turn("decide")
        assert seen.rows[row.id].state == to

    def activate(self, which: int) -> None:
        version = self.office.versions[which]
        saved = senders.activate(
            self.office.owner, version.sender_id, version.number, patience_s=0
        )
        self._moved(saved.waiting or LeftBehind())

    def disable(self) -> None:
        self._moved(senders.disable(self.office.owner, patience_s=0))

    def purge(self) -> None:
        """Retention of no day at all."""
        self.office.run(partial(retention.sweep, 0))
        self.book.turn("purge")

    # -- workers

    def errands(self, phase: str | None = None) -> list[tuple[Worker, Errand]]:
        """Of all workers, in one phase: claimed, marked (by the worker's word),
        dotted."""
        return [
            (worker, errand)
            for worker in self.workers
            for errand in worker.errands
            if phase is None or phase == _phase(errand)
        ]

    def claim(self, who: int, most: int, *, handed: bool, forgets: bool) -> None:
        worker, before = self.workers[who], self.book.seen
        ids = sorted(before.mails)[-most:] if handed else []
        worker.claim(ids, most, forgets=forgets)
        self.book.turn("claim")
        self.book.claims(worker, before)

    def carry(self, who: int, pick: int, *, kept: bool, answered: bool) -> None:
        worker = self.workers[who]
        known = set(worker.errands)
        self.claim(who, 1, handed=False, forgets=False)
        for errand in [each for each in worker.errands if each not in known]:
            self._mark(worker, errand, [relay.YES] * 3, unknown=False)
            if errand in worker.errands:
                self._dot(errand, kept=kept)
                self._answer(worker, errand, pick, lost=not answered, again=False)

    def mark(self, pick: int, replies: Sequence[Reply], *, unknown: bool) -> None:
        worker, errand = _one(self.errands("claimed"), pick)
        self._mark(worker, errand, replies, unknown=unknown)

    def end_early(self, pick: int, outcome: Outcome, *, again: bool) -> None:
        worker, errand = _one(self.errands("claimed"), pick)
        self._end(worker, errand, outcome, again=again)

    def release(self, pick: int) -> None:
        worker, errand = _one(self.errands("claimed"), pick)
        worker.release(errand)
        self.book.turn("end")

    def break_down(self, pick: int, *, ours: bool) -> None:
        worker, errand = _one(self.errands(), pick)
        error = ValueError("a fault") if ours else peewee.OperationalError("disk")
        worker.breaks(errand, error)
        self.book.turn("end")

    def dot(self, pick: int, *, kept: bool) -> None:
        _, errand = _one(self.errands("marked"), pick)
        self._dot(errand, kept=kept)

    def no_dot(self, pick: int, outcome: Outcome, *, again: bool) -> None:
        worker, errand = _one(self.errands("marked"), pick)
        self._end(worker, errand, outcome, again=again)

    def answer(self, pick: int, word: int, *, lost: bool, again: bool) -> None:
        worker, errand = _one(self.errands("dotted"), pick)
        self._answer(worker, errand, word, lost=lost, again=again)

    def arrive_late(self, pick: int, *, kept: bool) -> None:
        errand = _one(self.wire, pick)
        self.wire.remove(errand)
        if kept and errand.id in self.book.seen.tries:
            self.book.keeps(errand)
            self.book.turn("late")

    def crash(self, who: int, *, leaves_lock: bool, on_the_wire: bool) -> None:
        worker = self.workers[who]
        if on_the_wire:
            marked = [e for e in worker.errands if _phase(e) == "marked"]
            self.wire += marked
        worker.die(leaves_lock=leaves_lock)
        self.workers[who] = self._born()

    def stop(self, who: int) -> None:
        self.workers[who].stop()
        self.workers[who] = self._born()
        self.book.turn("stop")

    # -- time

    def tick(self, who: int) -> None:
        worker, before = self.workers[who], self.book.seen
        worker.sees_jump()
        worker.tick()
        self.book.turn("tick")
        at = self.office.dial.monotonic()
        self.book.recovered(worker, before, self.workers, at)

    def time_goes_on(self, seconds: float, asleep: int) -> None:
        self.office.dial.goes_on(seconds)
        awake = [who for who in (0, 1) if not asleep & 1 << who]
        for who in awake:
            self.workers[who].renew()
        self.book.turn("time")
        for who in awake:
            self.tick(who)

    def until_due(self, asleep: int) -> None:
        due_s = next_due_s(self.office.now_micros())
        if due_s is not None:
            self.time_goes_on(due_s + 1, asleep)

    def clock_jumps(self, seconds: float) -> None:
        self.office.dial.jumps(seconds)
        self.book.turn("time")

    # -- the end

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: every mail comes to its end, whatever was."""
        for who in (0, 1):
            self.crash(who, leaves_lock=False, on_the_wire=True)
        self.wire.clear()
        for _ in range(2):
            self.time_goes_on(AT_REST_WITHIN_S / 2, 0)
        held = [r for r in self.book.seen.rows.values() if r.state == State.SENDING]
        assert not held, f"held by nobody: {held}"
        self.office.dial.goes_on(self.office.timing.clock_rest_s)
        for _ in range(ROUNDS):
            if not self._moving():
                break
            self.until_due(0)
            for _ in self.book.seen.mails:
                self.carry(0, 0, kept=True, answered=True)
        assert not self._moving(), self._moving()
        self.callers.verify()

    def close(self) -> None:
        for worker in self.workers:
            worker.die(leaves_lock=False)

    def _moving(self) -> list[Row]:
        return [
            row
            for row in self.book.seen.rows.values()
            if row.state not in (*FINAL, State.UNCERTAIN) or row.retry_at is not None
        ]

    def _born(self) -> Worker:
        self._births += 1
        return Worker(self.office, f"worker-{self._births}")

    def _moved(self, left: LeftBehind) -> None:
        before, seen = self.book.seen.fence, self.book.turn("move")
        if seen.fence != before:
            self.book.moved(seen.fence, left.waiting, left.uncertain)

    def _mark(
        self, worker: Worker, errand: Errand, replies: Sequence[Reply], *, unknown: bool
    ) -> None:
        """RCPT for each; then the mark, unless all are refused."""
        before = self.book.seen
        results = tuple(
            relay.answered(target.address, reply)
            for target, reply in zip(errand.claimed.targets, replies, strict=False)
        )
        if not any(row.reply and row.reply.positive for row in results):
            self._end(worker, errand, relay.all_refused(results), again=unknown)
            return
        granted = worker.mark(errand, results, unknown=unknown)
        self.book.turn("mark")
        self.book.marks(errand, granted, before)
        if unknown:
            outcome = relay.SILENT["too late for the dot"]
            self._end(worker, errand, outcome, again=False)
        elif not granted:
            worker.errands.remove(errand)

    def _dot(self, errand: Errand, *, kept: bool) -> None:
        errand.dotted, errand.kept = True, kept
        self.book.dot_is_allowed(errand)
        if kept and errand.id in self.book.seen.tries:
            self.book.keeps(errand)
        self.book.turn("late")

    def _answer(
        self, worker: Worker, errand: Errand, word: int, *, lost: bool, again: bool
    ) -> None:
        """A relay that keeps a mail says so, or is not heard."""
        if lost:
            outcome = _one(list(relay.NO_ANSWER.values()), word)
        elif errand.kept:
            outcome = relay.kept((250, 252, 200)[word % 3])
        else:
            outcome = _one(list(relay.NO.values()), word)
        self._end(worker, errand, outcome, again=again)
        if errand.kept and not lost and errand.id in self.book.seen.tries:
            self.book.says_yes(errand)

    def _end(
        self, worker: Worker, errand: Errand, outcome: Outcome, *, again: bool
    ) -> None:
        assert not worker.end(errand, outcome, again=again), "written a second time"
        self.book.turn("end")


def _phase(errand: Errand) -> str:
    if errand.dotted:
        return "dotted"
    return "marked" if errand.flight.marked else "claimed"


def _one(things: Sequence[T], pick: int) -> T:
    return things[pick % len(things)]
