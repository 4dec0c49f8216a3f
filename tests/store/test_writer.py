"""Whoever waits is released after COMMIT, and each work fails or stands alone."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
from concurrent.futures import Future

import peewee
import psycopg
import pytest

from portal.errors import Unavailable
from portal.store import database as store
from portal.store.engines import execute
from portal.store.models import Tenant
from portal.store.writer import GROUP, CommitUnknown, Writer
from tests import postgres

WAIT_S = 20


@pytest.fixture
def writer(database):
    made = Writer(database, patience_s=0.3)
    yield made
    made.close()


def add(slug: str) -> str:
    Tenant.create(slug=slug, name=slug)
    return slug


def slugs() -> set[str]:
    return {row.slug for row in Tenant.select()}


class Held:
    """A work that holds the writing thread, so that the next ones form a group."""

    def __init__(self, writer: Writer) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()
        self.future = writer.submit(self)
        assert self.begun.wait(WAIT_S)

    def __call__(self) -> None:
        self.begun.set()
        assert self.gate.wait(WAIT_S)

    def release(self) -> None:
        self.gate.set()
        self.future.result(WAIT_S)


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


def test_file_held_by_another_process_is_waited_for(database, settings):
    """SQLITE_BUSY: the writer tries again until the other lets go."""
    database.timeout = 0.01
    writer = Writer(database, patience_s=WAIT_S)
    other = sqlite3.connect(
        settings.instance / "portal.db", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    job = writer.submit(lambda: add("acme"))
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()

    assert job.result(WAIT_S) == "acme"
    writer.close()
    other.close()


def test_file_held_for_too_long_is_unavailable_and_nothing_is_written(
    database, settings
):
    database.timeout = 0.05
    writer = Writer(database, patience_s=0.1)
    other = sqlite3.connect(settings.instance / "portal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    refused = writer.submit(lambda: add("acme")).exception(WAIT_S)
    other.execute("COMMIT")
    other.close()

    assert isinstance(refused, Unavailable)
    assert not isinstance(refused, CommitUnknown)
    assert writer.run(lambda: add("later")) == "later"
    assert slugs() == {"later"}
    writer.close()


@both
def test_commit_that_fails_is_unknown_to_the_whole_group(writer):
    """A deferred foreign key fails at COMMIT: the nearest to a broken one at will."""
    execute(store.proxy, "CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    execute(
        store.proxy,
        "CREATE TABLE child"
        " (p INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    )
    hold = Held(writer)
    good = writer.submit(lambda: add("acme"))
    bad = writer.submit(lambda: execute(store.proxy, "INSERT INTO child VALUES (7)"))
    hold.release()

    assert isinstance(good.exception(WAIT_S), CommitUnknown)
    assert isinstance(bad.exception(WAIT_S), CommitUnknown)
    assert writer.run(lambda: add("next")) == "next"
    assert slugs() == {"next"}


def _terminate(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def postgresql_settings(settings, postgresql_server, postgresql_template):
    with postgres.database(postgresql_server, postgresql_template) as url:
        yield dataclasses.replace(settings, database_url=url)


def test_terminated_backend_fails_its_group_and_the_next_one_stands(
    postgresql_settings,
):
    """RELIABILITY fault 47: surely nothing written, so no CommitUnknown."""
    database = store.attach(postgresql_settings)
    writer = Writer(database)
    writer.run(lambda: add("before"))

    def cut() -> None:
        add("lost")
        _terminate(postgresql_settings.database_url)
        add("never")

    refused = writer.submit(cut).exception(WAIT_S)

    assert isinstance(refused, Unavailable)
    assert not isinstance(refused, CommitUnknown)
    assert writer.run(lambda: add("after")) == "after"
    with store.connection():
        assert slugs() == {"before", "after"}
    writer.close()
    store.detach()


def test_backend_terminated_in_the_last_work_leaves_nothing(postgresql_settings):
    """The end of its savepoint meets the dead connection before COMMIT does."""
    database = store.attach(postgresql_settings)
    writer = Writer(database)

    def cut() -> None:
        add("lost")
        _terminate(postgresql_settings.database_url)

    refused = writer.submit(cut).exception(WAIT_S)

    assert isinstance(refused, Unavailable)
    assert not isinstance(refused, CommitUnknown)
    assert writer.run(slugs) == set()
    writer.close()
    store.detach()


def test_deadlock_ends_well_for_both(postgresql_settings):
    """PostgreSQL gives one of two up; the writer runs that work again."""
    database = store.attach(postgresql_settings)
    with store.connection():
        add("a")
        add("b")
    writer = Writer(database)
    first, second = threading.Event(), threading.Event()

    def rename(slug: str, name: str) -> None:
        Tenant.update(name=name).where(Tenant.slug == slug).execute()

    def ours() -> None:
        rename("a", "ours")
        first.set()
        second.wait(WAIT_S)
        rename("b", "ours")

    other = psycopg.connect(postgresql_settings.database_url)
    job = writer.submit(ours)
    assert first.wait(WAIT_S)
    # A long time-out of its own: the writer is to be the one given up.
    other.execute("SET deadlock_timeout = '60s'")
    other.execute("UPDATE tenant SET name = 'theirs' WHERE slug = 'b'")
    second.set()
    other.execute("UPDATE tenant SET name = 'theirs' WHERE slug = 'a'")
    other.commit()
    other.close()

    job.result(WAIT_S)
    with store.connection():
        assert {row.name for row in Tenant.select()} == {"ours"}
    writer.close()
    store.detach()
