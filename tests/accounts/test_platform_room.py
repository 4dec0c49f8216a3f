"""The Platform page tells of a disk that is short and of a log that grows."""

from __future__ import annotations

import dataclasses
import os

import pytest

from portal.services import platform
from portal.store.room import LONG_LOG_BYTES, Floors


def check(owner, name, **floors):
    installation = dataclasses.replace(owner.installation, floors=Floors(**floors))
    actor = dataclasses.replace(owner, installation=installation)
    [found] = [each for each in platform.look(actor).checks if each.name == name]
    return found


def test_there_is_room(owner):
    found = check(owner, "Disk", accept_bytes=1, accept_share=0)

    assert (found.state, found.word) == ("pass", "In order")


@pytest.mark.parametrize(("above", "state"), [(-1, "warn"), (1 << 40, "fail")])
def test_a_disk_that_is_short_says_where_it_stops(owner, above, state):
    free = owner.installation.room.free_bytes
    found = check(owner, "Disk", accept_bytes=free + above * 100_000_000)

    assert found.state == state
    assert "mail is accepted while" in found.text


def test_a_log_that_grew_is_told(owner):
    log = owner.installation.settings.instance / "portal.db-wal"
    before = check(owner, "Database")
    os.truncate(log, LONG_LOG_BYTES)

    found = check(owner, "Database")

    assert "log of" not in before.text
    assert (found.state, found.word) == ("warn", "Long log")
    assert "a log of 268 MB" in found.text
