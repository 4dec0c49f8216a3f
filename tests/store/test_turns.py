"""Who writes next: nobody waits behind those who came later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from portal.store.database import connection, transaction
from portal.store.turns import Turns
from portal.store.writer import Writer
from tests.store.writing import WAIT_S, add, slugs


def _queue(turns: Turns, order: list[int], number: int) -> threading.Thread:
    def take() -> None:
        with turns.taken(WAIT_S):
            order.append(number)

    thread = threading.Thread(target=take)
    waiting = turns.waiting
    thread.start()
    _until(lambda: turns.waiting > waiting)
    return thread


def test_first_come_first_served():
    turns, order = Turns(), []
    with turns.taken(WAIT_S):
        threads = [_queue(turns, order, number) for number in range(5)]
        assert order == []
    for thread in threads:
        thread.join(WAIT_S)

    assert order == list(range(5))
    assert turns.waiting == 0


def test_who_waits_too_long_goes_on_without_and_hands_nothing_on():
    """The database decides then; the one whose turn it is keeps it."""
    turns, order = Turns(), []
    with turns.taken(WAIT_S):
        with turns.taken(0.01):
            late = _queue(turns, order, 1)
        assert order == []
    late.join(WAIT_S)

    assert order == [1]
    with turns.taken(0):
        assert turns.waiting == 0


@pytest.mark.parametrize("by_itself", [True, False], ids=["alone", "transaction"])
def test_a_page_saves_before_the_writer_that_came_later(database, by_itself):
    """SQLite has no queue: who finds it busy looks again later and later, and a
    writer that commits without a rest is always there before."""
    writer, order = Writer(database), []

    def page() -> None:
        with connection(), nullcontext() if by_itself else transaction():
            add("page")

    with ThreadPoolExecutor(1) as pool:
        with transaction():
            saved = pool.submit(page)
            _until(lambda: database.turns.waiting == 1)
            written = writer.submit(lambda: order.append(slugs()))
            _until(lambda: database.turns.waiting == 2)
        saved.result(WAIT_S)
        written.result(WAIT_S)
    writer.close()

    assert order == [{"page"}]


def _until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)


@pytest.mark.usefixtures("both_databases")
def test_a_savepoint_needs_no_turn(writer_of):
    """Nor does a work of the writer wait for its own."""

    def work() -> None:
        with transaction():
            add("inner")

    with transaction(), transaction():
        add("outer")
    writer_of.run(work)

    assert slugs() == {"outer", "inner"}


@pytest.fixture
def writer_of(database):
    made = Writer(database)
    yield made
    made.close()
