"""The workers' side of the machine: each mail from its claim to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import peewee

from portal.delivery.types import Outcome, Reply
from tests.machine import relay
from tests.machine.book import Book
from tests.machine.office import Office
from tests.machine.worker import Errand, Worker

T = TypeVar("T")
# How we let go of a claim before its mark.
OURS = (None, ValueError("a fault of ours"), peewee.OperationalError("disk"))


class Carrying:
    """Two workers; `wire` are dots that outlived theirs."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.book = Book.opened(office)
        self.wire: list[Errand] = []
        self._births = 0
        self.workers = [self._born(), self._born()]

    def errands(self) -> list[tuple[Worker, Errand]]:
        """Of all workers."""
        return [
            (worker, errand) for worker in self.workers for errand in worker.errands
        ]

    def awake(self) -> list[tuple[Worker, Errand]]:
        """Those whose lease was renewed in time."""
        since = self.office.dial.monotonic() - self.office.timing.lease_s
        return [
            (worker, errand)
            for worker, errand in self.errands()
            if errand.flight.renewed_at > since
        ]

    def claim(self, who: int, most: int, *, handed: bool, forgets: bool) -> None:
        worker, before = self.workers[who], self.book.seen
        ids = sorted(before.mails)[-most:] if handed else []
        worker.claim(ids, most, forgets=forgets)
        self.book.turn("claim")
        self.book.claims(worker, before)

    def carry(
        self, who: int, replies: Sequence[Reply], until: str, *, kept: bool, word: int
    ) -> None:
        """One mail, until its mark, its dot, or the answer or silence behind it."""
        worker = self.workers[who]
        known = set(worker.errands)
        self.claim(who, 1, handed=False, forgets=False)
        for errand in [each for each in worker.errands if each not in known]:
            self._mark(worker, errand, replies, unknown=False)
            if errand in worker.errands and until != "mark":
                self._dot(errand, kept=kept)
                if until != "dot":
                    lost = until == "no answer"
                    self._answer(worker, errand, word, lost=lost, again=False)

    def go_on(self, pick: int, *, kept: bool, word: int, again: bool) -> None:
        worker, errand = one(self.errands(), pick)
        if errand.dotted:
            self._answer(worker, errand, word, lost=False, again=again)
        elif errand.flight.marked:
            self._dot(errand, kept=kept)
        else:
            self._mark(worker, errand, [relay.YES] * 3, unknown=False)

    def go_wrong(
        self, pick: int, word: int, replies: Sequence[Reply], *, unknown: bool
    ) -> None:
        """Nobody answers the dot; it is not written; RCPT or what comes before it is
        refused; we break down."""
        worker, errand = one(self.errands(), pick)
        if errand.dotted:
            self._answer(worker, errand, word, lost=True, again=unknown)
        elif errand.flight.marked:
            self._end(worker, errand, _pick(relay.SILENT, word), again=unknown)
        elif word % 2:
            self._mark(worker, errand, replies, unknown=unknown)
        elif word % 4:
            self._end(worker, errand, _pick(relay.EARLY, word // 4), again=unknown)
        else:
            self._give_up(worker, errand, word // 4)

    def arrive_late(self, pick: int, *, kept: bool) -> None:
        errand = one(self.wire, pick)
        self.wire.remove(errand)
        if kept:
            self.book.keeps(errand)
            self.book.turn("late")

    def end_worker(self, pick: int) -> None:
        """Killed, or asked by SIGTERM when nothing ends in time. What a killed one
        had marked may be on the wire."""
        worker, _ = one(self.errands(), pick)
        if pick % 3 == 0:
            worker.stop()
        else:
            self.wire += [each for each in worker.errands if each.is_owing]
            worker.die(leaves_lock=pick % 3 == 1)
        self.workers[self.workers.index(worker)] = self._born()
        self.book.turn("stop")

    def _born(self) -> Worker:
        self._births += 1
        return Worker(self.office, f"worker-{self._births}")

    def _mark(
        self, worker: Worker, errand: Errand, replies: Sequence[Reply], *, unknown: bool
    ) -> None:
        """RCPT for each; then the mark, unless all are refused."""
        before = self.book.seen
        results = tuple(
            relay.answered(target.address, reply)
            for target, reply in zip(errand.claimed.targets, replies, strict=False)
        )
        took = [row.address for row in results if row.reply and row.reply.positive]
        if not took:
            self._end(worker, errand, relay.all_refused(results), again=unknown)
            return
        granted = worker.mark(errand, results, unknown=unknown)
        self.book.turn("mark")
        self.book.marks(errand, took, granted, before)
        if unknown:
            outcome = relay.SILENT["too late for the dot"]
            self._end(worker, errand, outcome, again=False)
        elif not granted:
            worker.errands.remove(errand)

    def _give_up(self, worker: Worker, errand: Errand, word: int) -> None:
        """By a wish of ours, or by an exception instead of an outcome."""
        error = one(OURS, word)
        if error is None:
            worker.release(errand)
        else:
            worker.breaks(errand, error)
        self.book.turn("end")

    def _dot(self, errand: Errand, *, kept: bool) -> None:
        errand.dotted, errand.kept = True, kept
        self.book.dot_is_allowed(errand)
        if kept:
            self.book.keeps(errand)
        self.book.turn("late")

    def _answer(
        self, worker: Worker, errand: Errand, word: int, *, lost: bool, again: bool
    ) -> None:
        """A relay that keeps a mail says so, or is not heard."""
        if lost:
            outcome = _pick(relay.NO_ANSWER, word)
        elif errand.kept:
            outcome = relay.kept((250, 252, 200)[word % 3])
        else:
            outcome = _pick(relay.NO, word)
        self._end(worker, errand, outcome, again=again)
        if errand.kept and not lost:
            self.book.says_yes(errand)

    def _end(
        self, worker: Worker, errand: Errand, outcome: Outcome, *, again: bool
    ) -> None:
        assert not worker.end(errand, outcome, again=again), "written a second time"
        self.book.turn("end")


def one(things: Sequence[T], pick: int) -> T:
    return things[pick % len(things)]


def _pick(outcomes: dict[str, Outcome], word: int) -> Outcome:
    return one(list(outcomes.values()), word)
