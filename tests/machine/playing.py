"""How each rule of the machine is played: on the real outbox, and in the book."""

from __future__ import annotations

from functools import partial

from portal.services import senders
from portal.services.outbox import retention
from portal.services.outbox.states import FINAL, State
from portal.services.senders import LeftBehind
from portal.services.sending import cancel, decide
from tests.machine import relay
from tests.machine.callers import Callers
from tests.machine.carrying import Carrying, one
from tests.machine.office import Office
from tests.machine.seen import Mail, Row
from tests.machine.sundial import next_due_s

AT_REST_WITHIN_S = 600  # true seconds after which nobody is `sending` any more
ROUNDS = 12


class Playing(Carrying):
    """People and programs, and what time brings."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.callers = Callers(office, self.book)

    # -- what the rules ask before they are played

    @property
    def mails_moving(self) -> int:
        return len({row.mail_id for row in self._moving()})

    @property
    def is_due(self) -> bool:
        return self.book.seen.is_due

    @property
    def some_settled(self) -> bool:
        return any(mail.is_settled for mail in self.book.seen.mails.values())

    def touched(self) -> list[int]:
        """Mails that a worker has had, and that have not ended."""
        return sorted({row.mail_id for row in self._moving() if row.token})

    # -- people and programs

    def accept(self, to: int, *, keyed: bool, later: bool, urgent: bool) -> None:
        self.callers.accept(to, keyed=keyed, later=later, urgent=urgent)

    def repeat(self, pick: int, *, other_body: bool) -> None:
        if self.callers.keys:
            self.callers.repeat(pick, other_body=other_body)

    def uncertain(self) -> list[Row]:
        rows = self.book.seen.rows.values()
        return [row for row in rows if row.state == State.UNCERTAIN]

    def cancel(self, pick: int) -> None:
        mail = self.book.seen.mails[one(self.touched(), pick)]
        cancel(self.office.owner, mail.public_id)
        self.book.turn("cancel")
        self.book.cancelled.add(mail.id)

    def decide(self, pick: int, to: State, *, all_of_it: bool) -> None:
        row = one(self.uncertain(), pick)
        mail: Mail = self.book.seen.mails[row.mail_id]
        address = None if all_of_it else row.address
        decide(self.office.owner, mail.public_id, to, address=address)
        seen = self.book.turn("decide")
        assert seen.rows[row.id].state == to

    def move(self, which: int) -> None:
        """An activation, or behind the last version the platform default."""
        if which >= len(self.office.versions):
            self._moved(senders.disable(self.office.owner, patience_s=0))
            return
        version = self.office.versions[which]
        saved = senders.activate(
            self.office.owner, version.sender_id, version.number, patience_s=0
        )
        self._moved(saved.waiting or LeftBehind())

    def purge(self) -> None:
        """Retention of no day at all. A worker that slept through all of it is no
        more: SQLite may give the number of an attempt a second time."""
        self.office.run(partial(retention.sweep, 0))
        there = self.book.turn("purge").tries
        for worker in self.workers:
            worker.errands = [each for each in worker.errands if each.id in there]
        self.wire = [each for each in self.wire if each.id in there]

    # -- time

    def tick(self, who: int) -> None:
        worker, before = self.workers[who], self.book.seen
        worker.sees_jump()
        worker.tick()
        self.book.turn("tick")
        at = self.office.dial.monotonic()
        self.book.recovered(worker, before, self.workers, at)

    def fall_asleep(self, pick: int, *, others_tick: bool) -> None:
        worker, _ = one(self.awake(), pick)
        sleeper = self.workers.index(worker)
        self.time_goes_on(self.office.timing.lease_s + 5, 1 << sleeper)
        if others_tick:
            self.tick(1 - sleeper)

    def time_goes_on(self, seconds: float, asleep: int) -> None:
        self.office.dial.goes_on(seconds)
        awake = [who for who in (0, 1) if not asleep & 1 << who]
        for who in awake:
            self.workers[who].renew()
        self.book.turn("time")
        for who in awake[:1]:
            self.tick(who)

    def until_due(self, asleep: int) -> None:
        due_s = next_due_s(self.office.now_micros())
        if due_s is not None:
            self.time_goes_on(due_s + 1, asleep)

    def clock_jumps(self, seconds: float, first: int) -> None:
        """Both see it within a second, before any lease is renewed. Whoever slept
        through one jump and another that undid it could not know."""
        self.office.dial.jumps(seconds)
        self.book.turn("time")
        for who in (first, 1 - first):
            self.tick(who)

    # -- the end

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: every mail comes to its end, whatever was."""
        for worker in self.workers:
            worker.die(leaves_lock=False)
        self.workers = [self._born(), self._born()]
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
                self.carry(0, [relay.YES] * 3, "answer", kept=True, word=0)
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

    def _moved(self, left: LeftBehind) -> None:
        before, seen = self.book.seen.fence, self.book.turn("move")
        if seen.fence != before:
            self.book.moved(seen.fence, left.waiting, left.uncertain)
