"""The machine's memory: what was promised to whom, and what the relay keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from portal.services.outbox.states import State
from tests.machine import promises
from tests.machine.office import Office
from tests.machine.seen import Row, Seen, Try, look
from tests.machine.worker import Errand, Worker

REFUNDED = (State.CANCELLED, State.EXPIRED)


@dataclass
class Book:
    """`turn` after every step: all promises hold, or AssertionError says which not.

    `copies` are the attempts that brought one, by recipient. `named` are, by fence,
    the attempts that the answer to a move named; `cancelled` the messages whose
    DELETE was answered.
    """

    office: Office
    seen: Seen
    accepted: int = 0
    purged_refunds: int = 0
    copies: dict[int, list[int]] = field(default_factory=dict)
    named: dict[int, frozenset[int]] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    marked_at: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def opened(cls, office: Office) -> Book:
        return cls(office, look(office.tenant))

    def turn(self, kind: str) -> Seen:
        """What is seen now; nothing that was promised is broken by this step."""
        before, now = self.seen, look(self.office.tenant, self.seen.last_event)
        self.seen = now
        faults = [
            fault for rule in promises.ROW_BY_ROW for fault in rule(before, now, kind)
        ]
        self._forget(before, now)
        faults += promises.copies_agree(now, self.copies)
        faults += self._quota(now)
        faults += self._wants_are_kept(before, now)
        assert not faults, faults
        return now

    def claims(self, worker: Worker, before: Seen) -> None:
        """Version and fence are the route's, nothing goes before its time and
        nothing that is not wanted any more."""
        here = self.office.now_micros()
        for key, each in self.seen.tries.items():
            if key in before.tries:
                continue
            assert each.owner == worker.name
            assert (each.version_id, each.fence) == (before.version_id, before.fence)
            assert each.mail_id not in self.cancelled, "claimed after its DELETE"
            scheduled_at = self.seen.mails[each.mail_id].scheduled_at
            # Once its time had come, a clock set back does not take that away.
            came = scheduled_at is None or scheduled_at <= here or each.number > 1
            assert came, "sent too early"

    def marks(
        self, errand: Errand, took: Collection[str], granted: bool, before: Seen
    ) -> None:
        """Line 5: for those that RCPT took; between two marks of a recipient lies a
        no, or an `uncertain`."""
        mark = self.seen.tries.get(errand.id)
        if not granted:
            assert mark is None or before.tries[errand.id].dot_at == mark.dot_at
            return
        assert mark is not None
        assert mark.mail_id not in self.cancelled, "marked after its DELETE"
        assert all(mark.fence >= fence for fence in self.named), "marked after the move"
        covered = [self.seen.rows[key] for key in mark.covered]
        assert {row.address for row in covered} == set(took), "marked for the refused"
        for key in mark.covered:
            row = self.seen.rows[key]
            assert key in mark.targets
            assert (row.state, row.token) == (State.SENDING, mark.number)
            earlier = self.marked_at.get(key)
            if earlier is not None:
                attempt_id, uncertain = earlier
                refused = before.tries[attempt_id].answer == "not_kept"
                assert refused or row.uncertain_count > uncertain, "two marks"
            self.marked_at[key] = errand.id, row.uncertain_count

    def keeps(self, errand: Errand) -> None:
        """The relay has its dot and keeps a copy for everybody that it accepted."""
        self.dot_is_allowed(errand)
        for key in self.seen.tries[errand.id].covered:
            self.copies.setdefault(key, []).append(errand.id)

    def dot_is_allowed(self, errand: Errand) -> None:
        """Nothing through an older version but by the attempts that were named."""
        for fence, attempts in self.named.items():
            late = errand.claimed.fence < fence and errand.id not in attempts
            assert not late, f"attempt {errand.id} sends after the move to {fence}"

    def says_yes(self, errand: Errand) -> None:
        """A 2yz that was read ends in `sent`; where a newer attempt has its mark,
        that one's end brings it there."""
        for key in self.seen.tries[errand.id].covered:
            row = self.seen.rows[key]
            if row.decided_by is None and row.state != State.SENT:
                newer = self._holder(row)
                assert newer is not None, f"{row} though the relay said yes"
                assert newer.is_open_dot, f"{row} though the relay said yes"

    def moved(self, fence: int, waiting: int, uncertain: int) -> None:
        """The answer to a move: so many attempts still own a dot."""
        owing = frozenset(
            key
            for key, each in self.seen.tries.items()
            if each.is_open_dot and each.fence < fence
        )
        assert waiting + uncertain == len(owing), f"{waiting}+{uncertain}, not {owing}"
        self.named[fence] = owing

    def recovered(
        self, worker: Worker, before: Seen, living: list[Worker], at: float
    ) -> None:
        """What a tick took from others: only from the dead and from those that did
        not renew for a whole lease. What it let expire: not after a jump."""
        lease_s = self.office.timing.lease_s
        errands = {errand.id: errand for each in living for errand in each.errands}
        for key, each in self.seen.tries.items():
            if before.tries[key].ended_at is None and each.ended_at is not None:
                assert key not in worker.held, f"{each} is held by who recovers it"
                if key in errands:
                    rested_s = at - errands[key].flight.renewed_at
                    assert rested_s >= lease_s, f"{each} lives, {rested_s} s"
        jumped_s = at - worker.jumped_at if worker.jumped_at is not None else None
        if jumped_s is not None and jumped_s < self.office.timing.clock_rest_s:
            for key, row in self.seen.rows.items():
                was = before.rows[key]
                assert was.state == row.state or row.state != State.EXPIRED, (
                    f"{row} expired {jumped_s} s after a jump"
                )

    def _holder(self, row: Row) -> Try | None:
        """The attempt that this recipient is being sent by."""
        return next(
            (
                each
                for each in self.seen.tries.values()
                if each.mail_id == row.mail_id
                and each.number == row.token
                and row.state == State.SENDING
            ),
            None,
        )

    def _forget(self, before: Seen, now: Seen) -> None:
        """Rows that were purged, whose ids may come again."""
        for key, row in before.rows.items():
            if key not in now.rows:
                self.copies.pop(key, None)
                self.marked_at.pop(key, None)
                self.purged_refunds += row.state in REFUNDED and row.token == 0
        self.cancelled -= before.mails.keys() - now.mails.keys()

    def _quota(self, now: Seen) -> Iterator[str]:
        unused = sum(
            row.state in REFUNDED and row.token == 0 for row in now.rows.values()
        )
        owed = self.accepted - self.purged_refunds - unused
        if now.used != owed:
            yield f"quota {now.used}, accepted and not given back {owed}"

    def _wants_are_kept(self, before: Seen, now: Seen) -> Iterator[str]:
        """A sender that holds has no second copy sent."""
        for key, row in now.rows.items():
            was = before.rows.get(key)
            if was is None or row.uncertain_count == was.uncertain_count:
                continue
            if row.retry_at is None or row.state != State.UNCERTAIN:
                continue
            last = [each for each in now.covering(row) if each.number == row.token]
            if any(self.office.holds(each.version_id) for each in last):
                yield f"{row} is tried again, though its sender holds"
