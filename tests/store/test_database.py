"""The database is opened safely, by one thread at a time, and never a newer one."""

from __future__ import annotations

import dataclasses
import sqlite3
import stat
import subprocess
import sys
import threading

import peewee
import pytest

from portal.config import Settings
from portal.errors import CannotStart
from portal.store import database as store
from portal.store.models import Tenant, proxy
from tests import postgres

MIGRATE = """
import pathlib, sys
from portal.config import Settings
from portal.store import database
s = Settings(instance=pathlib.Path(sys.argv[1]), database_url=sys.argv[2] or None)
print(len(database.migrate(database.attach(s))))
"""
ODD = (
    "it's",
    r"back\\slash\\",
    "%s ? $1 %%",
    "'; DROP TABLE tenant; --",
    "é 😀",
    "a\nb",
    "",
)
SQLITE_ONLY = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_files_are_the_owners_alone(settings, database):
    """-wal and -shm too."""
    Tenant.create(slug="acme", name="Acme")

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in settings.instance.iterdir()
    }
    assert stat.S_IMODE(settings.instance.stat().st_mode) == 0o700
    assert {"portal.db", "portal.db-wal", "portal.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_files_are_private_under_a_generous_umask(tmp_path):
    """The code says so itself: it does not trust the caller's umask."""
    program = (
        "import os, pathlib, sys; os.umask(0)\n"
        "from portal.config import Settings\n"
        "from portal.store import database\n"
        "from portal.store.vault import open_vault\n"
        "s = Settings(instance=pathlib.Path(sys.argv[1]))\n"
        "database.migrate(database.attach(s)); open_vault(s)\n"
        "with database.connection():\n"
        "    database.proxy.execute_sql('CREATE TABLE x (y)')\n"
        "    os._exit(0)\n"
    )
    instance = tmp_path / "instance"
    subprocess.run([sys.executable, "-c", program, instance], check=True)

    assert stat.S_IMODE(instance.stat().st_mode) == 0o700
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in instance.iterdir()} == {
        "portal.db": 0o600,
        "portal.db-wal": 0o600,
        "portal.db-shm": 0o600,
        "portal.db.lock": 0o600,
        "master.key": 0o600,
    }


def test_folder_that_was_there_is_shut(tmp_path):
    """A clone brings `instance/` along, open as git made it."""
    (tmp_path / "instance").mkdir(mode=0o755)
    (tmp_path / "instance").chmod(0o755)

    store.attach(Settings(instance=tmp_path / "instance"))
    store.detach()

    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_folder_of_others_is_left_open(tmp_path, monkeypatch):
    """`PORTAL_INSTANCE=.` or /tmp: its files are private all the same."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)

    store.attach(Settings(instance=tmp_path))
    store.detach()

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "portal.db").stat().st_mode) == 0o600


def test_sqlite_keeps_what_it_was_given(database):
    for pragma, value in SQLITE_ONLY.items():
        assert database.pragma(pragma) == value


@pytest.mark.usefixtures("both_databases")
def test_thread_without_a_connection_has_none(database):
    """A connection that opens by itself would never be given back."""
    seen: list[BaseException] = []

    def work() -> None:
        try:
            Tenant.select().count()
        except peewee.InterfaceError as error:
            seen.append(error)
        with store.connection(), store.connection():
            Tenant.select().count()
        assert proxy.is_closed()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert len(seen) == 1


@pytest.mark.usefixtures("both_databases")
def test_what_fails_inside_a_transaction_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError), store.transaction():
        Tenant.create(slug="acme", name="Acme")
        raise ZeroDivisionError

    assert Tenant.select().count() == 0


@pytest.mark.usefixtures("both_databases")
def test_inner_transaction_fails_alone(database):
    with store.transaction():
        Tenant.create(slug="acme", name="Acme")
        with pytest.raises(peewee.IntegrityError), store.transaction():
            Tenant.create(slug="acme", name="Again")

    assert [row.name for row in Tenant.select()] == ["Acme"]


@pytest.mark.usefixtures("both_databases")
def test_values_of_many_statements_are_values(database):
    """PostgreSQL's stand in the text of one question."""
    names = {f"t{at}": name for at, name in enumerate(ODD)}
    for slug in names:
        Tenant.create(slug=slug, name="")

    rows = [(name, slug, slug) for slug, name in names.items()]
    met = store.statements("UPDATE tenant SET name = ? WHERE slug IN (?, ?)", rows)

    assert met == len(names)
    assert {row.slug: row.name for row in Tenant.select()} == names


@pytest.mark.usefixtures("both_databases")
def test_one_of_many_statements_that_fails_leaves_nothing(database):
    Tenant.create(slug="acme", name="Acme")
    Tenant.create(slug="beta", name="Beta")

    with pytest.raises(peewee.IntegrityError), store.transaction():
        store.statements(
            "UPDATE tenant SET slug = ? WHERE slug = ?",
            [("other", "acme"), ("other", "beta")],
        )

    assert {row.slug for row in Tenant.select()} == {"acme", "beta"}


@pytest.mark.usefixtures("both_databases")
def test_locks_are_there_where_they_are_needed(database, both_databases):
    assert store.locking() is (both_databases == "postgresql")


@pytest.mark.usefixtures("both_databases")
def test_newer_database_is_refused_in_one_sentence(database):
    database.execute_sql(
        "INSERT INTO schema_migration (name, applied)"
        " VALUES ('9999_of_the_future', '2030-01-01')"
    )

    with pytest.raises(CannotStart, match=r"newer version .* 9999_of_the_future"):
        store.migrate(database)


def test_two_processes_migrate_a_fresh_database_once(tmp_path):
    """The second waits for the first and finds nothing to do."""
    _assert_one_migrates(tmp_path, "")


def test_two_processes_migrate_a_fresh_postgresql_once(tmp_path, postgresql_server):
    with postgres.database(postgresql_server) as url:
        _assert_one_migrates(tmp_path, url)


def _assert_one_migrates(tmp_path, url: str) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, tmp_path / "instance", url],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    applied = sorted(int(process.communicate()[0]) for process in running)

    assert [process.returncode for process in running] == [0, 0, 0]
    assert applied[:2] == [0, 0]
    assert applied[2] > 0


def test_file_that_is_no_database_is_one_sentence(tmp_path):
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "portal.db").write_text("Dear diary, " * 200)

    with pytest.raises(CannotStart, match=r"^The database .*not a database\.$"):
        store.attach(Settings(instance=instance))


def test_folder_in_the_place_of_the_database_is_one_sentence(tmp_path):
    (tmp_path / "portal.db").mkdir()

    with pytest.raises(CannotStart, match="cannot be opened: Is a directory"):
        store.attach(Settings(instance=tmp_path))


def test_file_in_the_place_of_the_instance_folder_is_one_sentence(tmp_path):
    (tmp_path / "instance").write_text("")

    with pytest.raises(CannotStart, match=r"instance folder .* File exists"):
        store.attach(Settings(instance=tmp_path / "instance"))


def test_postgresql_that_is_not_there_is_one_sentence_without_the_password(settings):
    url = "postgresql://portal:hunter2@127.0.0.1:9/portal"

    with pytest.raises(CannotStart) as caught:
        store.attach(dataclasses.replace(settings, database_url=url))

    assert caught.value.sentence.startswith("PORTAL_DATABASE_URL: the database on 127")
    assert "\n" not in caught.value.sentence
    assert "hunter2" not in caught.value.sentence


def test_detached_database_is_closed(settings):
    """Nothing of it stays: SQLite folds its log into the file at the last close."""
    store.attach(settings)
    with store.connection():
        Tenant.create(slug="acme", name="Acme")
    store.detach()

    assert not (settings.instance / "portal.db-wal").exists()
    with sqlite3.connect(settings.instance / "portal.db") as plain:
        assert plain.execute("SELECT slug FROM tenant").fetchall() == [("acme",)]
    plain.close()
