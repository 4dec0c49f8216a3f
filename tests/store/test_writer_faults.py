"""The writer when the database is busy, gone, or of another mind."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading

import peewee
import psycopg
import pytest

from portal.errors import Unavailable
from portal.store import database as store
from portal.store.engines import execute
from portal.store.models import Tenant
from portal.store.writer import CommitUnknown, Writer
from tests import postgres
from tests.store.writing import WAIT_S, Held, add, slugs


@pytest.fixture
def writer(database):
    made = Writer(database, patience_s=0.3)
    yield made
    made.close()


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


@pytest.mark.usefixtures("both_databases")
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


def test_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(database):
    """SQLITE_FULL, by SQLite's own limit on the size of the file."""
    writer = Writer(database)
    pages = writer.run(lambda: database.pragma("page_count"))
    writer.run(lambda: database.pragma("max_page_count", pages + 2))

    hold = Held(writer)
    large = writer.submit(lambda: [add(f"{n:064d}") for n in range(2000)])
    small = writer.submit(lambda: add("small"))
    hold.release()

    assert isinstance(large.exception(WAIT_S), Unavailable)
    assert not isinstance(large.exception(WAIT_S), CommitUnknown)
    kept = {"small"} if small.exception(WAIT_S) is None else set()
    writer.run(lambda: database.pragma("max_page_count", 2**30))
    assert slugs() == kept
    assert writer.run(lambda: add("later")) == "later"
    assert writer.run(lambda: database.pragma("integrity_check")) == "ok"
    writer.close()


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
    """Surely nothing written, so no CommitUnknown."""
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


# It takes its time, so the driver has to wait for the answer.
RENAME = "UPDATE tenant SET name = ? WHERE slug = ? AND pg_sleep(0.05) IS NOT NULL"
BEFORE_IT_STOPS = {
    "one": lambda: store.statement(RENAME, "theirs", "a"),
    "several": lambda: store.statements(RENAME, [("theirs", "a"), ("theirs", "b")]),
}


@pytest.mark.parametrize("write", BEFORE_IT_STOPS.values(), ids=BEFORE_IT_STOPS)
def test_process_that_stands_still_loses_its_locks(postgresql_settings, write):
    """SIGSTOP in mid-transaction: whoever waits for its rows goes on."""
    url = f"{postgresql_settings.database_url}&options=-c%20" + (
        "idle_in_transaction_session_timeout%3D200"
    )
    database = store.attach(dataclasses.replace(postgresql_settings, database_url=url))
    with store.connection():
        add("a")
        add("b")
    held = threading.Event()
    stopped = threading.Event()

    def stand_still() -> None:
        with store.connection():
            try:
                with store.transaction():
                    write()
                    held.set()
                    stopped.wait(WAIT_S)
            except peewee.PeeweeException:
                held.clear()

    thread = threading.Thread(target=stand_still)
    thread.start()
    assert held.wait(WAIT_S)
    writer = Writer(database)

    writer.run(lambda: Tenant.update(name="ours").execute())
    stopped.set()
    thread.join()

    assert not held.is_set()
    with store.connection():
        assert {row.name for row in Tenant.select()} == {"ours"}
    writer.close()
    store.detach()


@pytest.mark.usefixtures("both_databases")
def test_connection_says_what_a_202_needs(database, both_databases):
    if both_databases == "sqlite":
        assert database.pragma("synchronous") == 2
    else:
        said = execute(database, "SHOW synchronous_commit").fetchone()[0]
        assert said == "on"
