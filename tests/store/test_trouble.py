"""Whoever can make room hears of a full disk before the work is tried again."""

from __future__ import annotations

import sqlite3

import peewee
import pytest

from portal.errors import Unavailable
from portal.store.engines import is_full
from portal.store.writer import CommitUnknown, Writer
from tests.store.writing import WAIT_S, add, slugs


@pytest.fixture
def heard(database):
    """A writer whose file may not grow, and what it tells."""
    writer, said = Writer(database), []
    pages = writer.run(lambda: database.pragma("page_count"))
    writer.run(lambda: database.pragma("max_page_count", pages + 2))
    writer.on_trouble = said.append
    yield writer, said
    writer.close()


def fill() -> None:
    for number in range(3000):
        add(f"{number:064d}")


def test_a_full_disk_is_told_before_the_work_fails(heard, database):
    writer, said = heard

    def give_room(error: BaseException) -> None:
        said.append(error)
        database.pragma("max_page_count", 2**30)

    writer.on_trouble = give_room
    refused = writer.submit(fill).exception(WAIT_S)
    again = writer.submit(fill)

    assert isinstance(refused, Unavailable)
    assert [is_full(error) for error in said] == [True]
    assert again.result(WAIT_S) is None
    assert len(slugs()) == 3000


def test_what_a_work_itself_refuses_is_no_trouble(heard):
    writer, said = heard
    add("acme")

    assert isinstance(
        writer.submit(lambda: add("acme")).exception(WAIT_S), peewee.IntegrityError
    )
    assert said == []


def test_full_is_found_however_deep_it_lies():
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    unknown = CommitUnknown("The database did not confirm.")
    unknown.__cause__ = RuntimeError("outer")
    unknown.__cause__.__cause__ = full

    assert is_full(unknown)
    assert not is_full(RuntimeError("outer"))
    assert not is_full(None)
