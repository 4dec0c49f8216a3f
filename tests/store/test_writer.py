"""Whoever waits is released after COMMIT, and each work fails or stands alone."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import Future

import peewee
import psycopg
import pytest

from portal.errors import Unavailable
from portal.store import database as store
from portal.store.engines import execute
from portal.store.writer import GROUP, Writer
from tests.store.writing import WAIT_S, Held, add, slugs


@pytest.fixture
def writer(database):
    made = Writer(database, patience_s=0.3)
    yield made
    made.close()


both = pytest.mark.usefixtures("both_databases")


@both
def test_value_of_a_work_comes_back_once_it_is_committed(writer):
    assert writer.run(lambda: add("acme")) == "acme"
    assert slugs() == {"acme"}


@both
def test_refused_work_fails_alone(writer):
    """The others of its group are committed; what it wrote itself is gone."""
    hold = Held(writer)

    def half() -> None:
        add("half")
        raise ZeroDivisionError

    jobs = [
        writer.submit(lambda: add("one")),
        writer.submit(half),
        writer.submit(lambda: add("one")),
        writer.submit(lambda: add("two")),
    ]
    hold.release()

    assert jobs[0].result(WAIT_S) == "one"
    assert isinstance(jobs[1].exception(WAIT_S), ZeroDivisionError)
    assert isinstance(jobs[2].exception(WAIT_S), peewee.IntegrityError)
    assert jobs[3].result(WAIT_S) == "two"
    assert slugs() == {"one", "two"}


@both
def test_works_that_wait_share_one_transaction(writer, database, both_databases):
    hold = Held(writer)
    seen: list[Future[object]] = []
    sql = "SELECT 1" if both_databases == "sqlite" else "SELECT pg_current_xact_id()"

    def number(slug: str) -> object:
        add(slug)
        return execute(database, sql).fetchone()[0]

    seen = [writer.submit(lambda n=n: number(f"t{n}")) for n in range(20)]
    hold.release()

    assert len({job.result(WAIT_S) for job in seen}) == 1
    assert len(slugs()) == 20


def test_crowd_is_written_in_order_and_in_several_groups(writer):
    order: list[int] = []
    hold = Held(writer)

    jobs = [writer.submit(lambda n=n: order.append(n)) for n in range(GROUP + 50)]
    hold.release()
    for job in jobs:
        job.result(WAIT_S)

    assert order == list(range(GROUP + 50))


@both
def test_nobody_is_released_before_the_commit(writer, settings, both_databases):
    """Another connection sees what was written, the moment the future is done."""
    found: list[int] = []
    done = threading.Event()

    def look(job: Future[str]) -> None:
        found.append(_count_apart(settings))
        done.set()

    writer.submit(lambda: add("acme")).add_done_callback(look)

    assert done.wait(WAIT_S)
    assert found == [1]


def _count_apart(settings) -> int:
    sql = "SELECT count(*) FROM tenant"
    if settings.database_url:
        with psycopg.connect(settings.database_url) as other:
            return other.execute(sql).fetchone()[0]
    other = sqlite3.connect(settings.instance / "portal.db")
    try:
        return other.execute(sql).fetchone()[0]
    finally:
        other.close()


@both
def test_withdrawn_work_never_runs(writer):
    hold = Held(writer)
    job = writer.submit(lambda: add("acme"))

    assert job.cancel()
    hold.release()

    assert writer.run(slugs) == set()


@both
def test_inner_transaction_of_a_work_is_its_own(writer):
    def work() -> None:
        add("outer")
        with pytest.raises(ZeroDivisionError), store.transaction():
            add("inner")
            raise ZeroDivisionError

    writer.run(work)

    assert slugs() == {"outer"}


@both
def test_waiting_inside_a_transaction_is_refused(writer):
    """It would wait for a lock that it holds itself."""
    with store.transaction(), pytest.raises(RuntimeError, match="Leave the trans"):
        writer.run(lambda: add("acme"))

    with pytest.raises(RuntimeError, match="may not wait for the writer"):
        writer.run(lambda: writer.run(lambda: add("acme")))


@both
def test_close_writes_what_was_submitted_and_takes_no_more(database):
    writer = Writer(database)
    jobs = [writer.submit(lambda n=n: add(f"t{n}")) for n in range(30)]

    writer.close()

    assert {job.result(0) for job in jobs} == slugs()
    with pytest.raises(Unavailable):
        writer.submit(lambda: add("late"))


def test_writer_that_was_never_used_closes(database):
    Writer(database).close()
