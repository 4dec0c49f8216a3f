"""A database that nobody closed is read through before it is served from."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
import stat
from contextlib import closing

import pytest

from portal.errors import CannotStart
from portal.store.marker import Marker, check

CHECKED = "checking the database"


@pytest.fixture
def file(settings):
    return settings.instance / "portal.db"


@pytest.fixture
def mark(settings):
    return settings.instance / "portal.db.open"


def left_behind(settings) -> None:
    """As `kill -9` leaves it: the lock goes with the process, the file stays."""
    marker = Marker(settings)
    marker.stays = True
    with marker:
        return


def damage(file) -> None:
    """A page in the middle, as a bad disk gives it back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [[page]] = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'recipient'"
        )
    with file.open("r+b") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(b"\xff" * 4096)


def test_a_marker_lies_there_while_the_portal_serves(settings, mark, caplog):
    with Marker(settings):
        assert stat.S_IMODE(mark.stat().st_mode) == 0o600

    assert not mark.exists()
    assert CHECKED not in caplog.text


def test_after_an_end_that_was_none_the_database_is_checked(settings, mark, caplog):
    left_behind(settings)
    assert mark.exists()
    caplog.set_level(logging.INFO)

    with Marker(settings):
        assert CHECKED in caplog.text
        assert "is whole" in caplog.text
    assert not mark.exists()


def test_a_damaged_database_is_refused_in_one_sentence(settings, file, mark):
    left_behind(settings)
    damage(file)

    for _ in range(2):  # and again: it does not mend itself
        with pytest.raises(CannotStart) as caught, Marker(settings):
            raise AssertionError("it was opened")
        assert str(file) in caught.value.sentence
        assert "is damaged" in caught.value.sentence
        assert "\n" not in caught.value.sentence
        assert mark.exists()


def test_a_clean_start_reads_nothing(settings, file):
    """So that it is fast: what nobody had open is as it was left."""
    damage(file)

    with Marker(settings) as marker:
        assert not marker.stays


def test_no_database_at_all_is_refused_in_words_too(settings, file, mark):
    left_behind(settings)
    file.write_text("This is not a database, but a letter. " * 200)

    with pytest.raises(CannotStart, match="is not a database"), Marker(settings):
        raise AssertionError("it was opened")


def test_a_file_that_is_gone_is_no_damage(settings, file):
    file.unlink()

    check(file)
    assert not file.exists()


def test_an_error_leaves_the_marker_and_a_refusal_does_not(settings, mark):
    with pytest.raises(ZeroDivisionError), Marker(settings):
        raise ZeroDivisionError
    assert mark.exists()

    with pytest.raises(CannotStart), Marker(settings):
        raise CannotStart("The key is not of base64.")
    assert not mark.exists()


def test_the_last_of_two_removes_it(settings, mark):
    first, second = Marker(settings), Marker(settings)
    with first:
        with second:
            assert mark.exists()
        assert mark.exists()
    assert not mark.exists()


def test_a_folder_that_cannot_be_written_is_said_and_no_more(settings, caplog, mark):
    mark.symlink_to("/proc/nobody/can/write/here")

    with Marker(settings):
        assert "cannot be written" in caplog.text


def test_a_server_has_no_marker(settings, mark):
    with Marker(dataclasses.replace(settings, database_url="postgresql://db/portal")):
        assert not mark.exists()
