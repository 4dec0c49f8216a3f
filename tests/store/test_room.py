"""Room on the disk: two floors, a reserve that comes and goes, a log that grows."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing

import pytest

from portal.store.room import MIB, Floors, Room

NONE = Floors(accept_bytes=0, accept_share=0, claim_bytes=0, ballast_bytes=0)
ENDLESS = 1 << 62


def room(folder, **floors) -> Room:
    values = {name: getattr(NONE, name) for name in NONE.__slots__}
    return Room(folder=folder, floors=Floors(**values | floors))


def test_the_floors_are_those_of_the_rules():
    assert Floors() == Floors(
        accept_bytes=200 * MIB,
        accept_share=0.05,
        share_at_most_bytes=2048 * MIB,
        claim_bytes=50 * MIB,
        ballast_bytes=8 * MIB,
    )


@pytest.mark.parametrize(
    ("floors", "accepts", "claims"),
    [
        ({}, True, True),
        ({"accept_bytes": ENDLESS}, False, True),
        ({"accept_share": 1.0, "share_at_most_bytes": ENDLESS}, False, True),
        ({"claim_bytes": ENDLESS}, True, False),
    ],
)
def test_either_floor_refuses(tmp_path, floors, accepts, claims):
    there = room(tmp_path, **floors)

    assert (there.accepts(), there.claims()) == (accepts, claims)


def test_the_higher_of_the_two_floors_counts(tmp_path):
    half = shutil.disk_usage(tmp_path).total // 2

    def floor(**floors):
        return room(tmp_path, accept_bytes=7, **floors).accept_floor_bytes

    assert floor() == 7
    assert floor(accept_share=0.5, share_at_most_bytes=ENDLESS) == half
    assert floor(accept_share=0.5, share_at_most_bytes=MIB) == MIB


def test_a_server_looks_after_its_own_disk():
    elsewhere = room(None, accept_bytes=ENDLESS, claim_bytes=ENDLESS, ballast_bytes=9)

    assert elsewhere.accepts() and elsewhere.claims()
    assert elsewhere.take_ballast()
    assert not elsewhere.drop_ballast()
    assert elsewhere.log_bytes() == 0


def test_the_ballast_takes_room_and_gives_it_back(tmp_path):
    there = room(tmp_path, ballast_bytes=3 * MIB + 1)
    path = tmp_path / "ballast"

    assert not there.has_ballast()
    assert there.take_ballast()
    state = path.stat()
    assert state.st_size == 3 * MIB + 1
    assert state.st_blocks * 512 >= 3 * MIB
    assert stat.S_IMODE(state.st_mode) == 0o600
    assert there.drop_ballast()
    assert not path.exists()
    assert not there.drop_ballast()


def test_ballast_that_was_cut_short_is_made_anew(tmp_path):
    there = room(tmp_path, ballast_bytes=2 * MIB)
    (tmp_path / "ballast").write_bytes(b"killed while it was written")

    assert there.take_ballast()
    assert (tmp_path / "ballast").stat().st_size == 2 * MIB


def test_no_ballast_where_it_would_cost_the_room_to_accept(tmp_path):
    """Otherwise it came and went with each mail of a disk that is nearly full."""
    there = room(tmp_path, accept_bytes=ENDLESS, ballast_bytes=MIB)

    assert not there.take_ballast()
    assert not (tmp_path / "ballast").exists()


def test_a_reader_without_end_makes_the_log_grow(settings, database):
    """SQLite writes the log back only as far as the oldest reader."""
    there = room(settings.instance)
    file = settings.instance / "portal.db"
    with (
        closing(sqlite3.connect(file)) as reader,
        closing(sqlite3.connect(file, isolation_level=None)) as writer,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tenant").fetchone()
        writer.execute("CREATE TABLE filler (x)")
        for _ in range(3):
            writer.execute("INSERT INTO filler VALUES (zeroblob(3000000))")

        assert there.log_bytes() > 8 * MIB


def test_the_log_is_written_back_and_cut(database):
    assert database.pragma("wal_autocheckpoint") == 1000
    assert database.pragma("journal_size_limit") == 64 * MIB
