"""The small parts of the engine, each alone."""

from __future__ import annotations

import asyncio

import peewee
import pytest

from portal.engine import bell as bells
from portal.engine.bell import EngineBell, heard
from portal.engine.clocks import Clocks
from portal.engine.flight import Flight
from portal.engine.reads import Reads
from portal.engine.recorder import TRIES, Recorder
from portal.services.outbox.timing import Timing
from portal.store.models import Note, proxy


def test_a_ring_is_heard_and_hands_over_ids():
    async def listen() -> list[int]:
        bell = EngineBell()
        bell.attach(asyncio.get_running_loop())
        ear, other = bell.listen(mail=True), bell.listen()
        await asyncio.to_thread(bell.ring, [3, 4, 5])
        await heard(ear, 10)
        assert not ear.is_set()
        assert not other.is_set()
        return bell.take(2) + bell.take(2)

    assert asyncio.run(listen()) == [3, 4, 5]


def test_a_ring_without_ids_is_heard_by_all():
    async def listen() -> None:
        bell = EngineBell()
        bell.attach(asyncio.get_running_loop())
        ear, other = bell.listen(mail=True), bell.listen()
        await asyncio.to_thread(bell.ring)
        await heard(other, 10)
        assert ear.is_set()

    asyncio.run(listen())


def test_a_ring_before_and_after_the_loop_does_no_harm():
    bell = EngineBell()
    bell.ring([1])

    async def pass_by() -> None:
        bell.attach(asyncio.get_running_loop())

    asyncio.run(pass_by())
    bell.ring([2])

    assert bell.take(5) == [1, 2]


def test_what_is_rung_beyond_the_room_is_remembered_as_more(monkeypatch):
    monkeypatch.setattr(bells, "HANDED_OVER", 2)
    bell = EngineBell()

    bell.ring([1, 2, 3])

    assert bell.take(5) == [1, 2]
    assert bell.take_overflow()
    assert not bell.take_overflow()


def test_a_result_is_repeated_until_it_is_committed(installation):
    turns = []

    def work() -> None:
        turns.append(1)
        if len(turns) < 3:
            raise peewee.OperationalError("disk I/O error")
        Note.create(name="written", value=b"")

    recorder = Recorder(installation.writer)
    asyncio.run(recorder.write(work))

    assert len(turns) == 3
    assert Note.get_or_none(Note.name == "written") is not None
    assert not recorder.is_behind


def test_while_a_result_is_held_nothing_new_is_claimed(installation):
    async def hold() -> None:
        behind = []

        def work() -> None:
            behind.append(recorder.is_behind)
            if len(behind) < 2:
                raise peewee.OperationalError("database is locked")

        recorder = Recorder(installation.writer)
        await recorder.write(work)
        assert behind == [False, True]
        assert not recorder.is_behind

    asyncio.run(hold())


def test_a_result_that_fails_by_itself_is_left_to_its_lease(installation):
    turns = []

    def work() -> None:
        turns.append(1)
        raise ValueError("ours")

    asyncio.run(Recorder(installation.writer, first_pause_s=0).write(work))

    assert len(turns) == TRIES


def test_a_cancelled_attempt_still_writes_its_result(installation):
    async def cancel() -> None:
        recorder = Recorder(installation.writer)
        writing = asyncio.create_task(
            recorder.write(lambda: Note.create(name="written", value=b""))
        )
        await asyncio.sleep(0)
        writing.cancel()
        assert await recorder.settle(10)

    asyncio.run(cancel())

    assert Note.get_or_none(Note.name == "written") is not None


@pytest.mark.usefixtures("both_databases")
def test_reading_goes_on_after_its_connection_was_lost(database):
    reads = Reads()

    async def read() -> None:
        first = await reads.run(proxy.connection)
        assert await reads.run(proxy.connection) is first
        with pytest.raises(peewee.PeeweeException):
            await reads.run(lambda: proxy.execute_sql("SELECT nothing FROM nowhere"))
        assert await reads.run(lambda: Note.select().count()) >= 1

    asyncio.run(read())
    reads.close(lambda: None)


class Hands:
    """Two clocks that a test moves."""

    wall, monotonic = 1e9, 500.0

    def clocks(self, timing: Timing) -> Clocks:
        return Clocks(timing, wall=lambda: self.wall, monotonic=lambda: self.monotonic)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def test_leases_count_after_one_lease_of_time():
    hands = Hands()
    clocks = hands.clocks(Timing(lease_s=120))

    hands.pass_by(119)
    assert not clocks.leases_count
    hands.pass_by(1)
    assert clocks.leases_count


@pytest.mark.parametrize("jump_s", [10 * 365 * 86_400, 31, -31, -3600])
def test_after_a_jump_leases_and_expiry_rest(jump_s):
    """Holes 11 and 12: a lease and an hour pass before the wall counts again."""
    hands = Hands()
    clocks = hands.clocks(Timing(lease_s=120, clock_rest_s=3600))
    hands.pass_by(500)
    assert clocks.expiry_counts
    hands.wall += jump_s

    assert clocks.look()
    assert not clocks.look()  # the same jump is one

    hands.pass_by(119)
    assert not clocks.leases_count
    hands.pass_by(1)
    assert clocks.leases_count
    assert not clocks.expiry_counts
    hands.pass_by(3480)
    assert clocks.expiry_counts


def test_a_clock_that_is_set_by_seconds_has_not_jumped():
    hands = Hands()
    clocks = hands.clocks(Timing())
    hands.wall += 29

    assert not clocks.look()


def test_a_dot_needs_half_of_its_lease(monkeypatch):
    import time

    flight = Flight(claimed=None, renewed_at=time.monotonic() - 61)  # type: ignore

    assert not flight.may_write_dot(120)
    assert flight.may_write_dot(200)
