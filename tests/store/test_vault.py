"""Secrets open in their own cell with the right key; else nothing opens or changes."""

from __future__ import annotations

import dataclasses

import pytest

from portal.crypto.keyfile import FILE
from portal.crypto.seal import CannotOpen, new_ring
from portal.errors import CannotStart
from portal.secret import Secret
from portal.store.models import Note
from portal.store.vault import Locked, open_vault

CELL = {
    "tenant": "t1",
    "table": "sender_secret",
    "column": "sealed",
    "row": "r1",
    "version": 1,
}


@pytest.mark.usefixtures("both_databases")
def test_secret_opens_in_its_own_cell(database, settings):
    vault = open_vault(settings)

    blob = vault.seal("hunter2", **CELL)

    assert vault.open(blob, **CELL) == "hunter2"
    assert open_vault(settings).open(blob, **CELL) == "hunter2"
    assert b"hunter2" not in blob


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "t2"},
        {"table": "live_test"},
        {"column": "other"},
        {"row": "r2"},
        {"version": 2},
        {"tenant": "t1sender_secret", "table": ""},
    ],
)
def test_secret_does_not_open_anywhere_else(database, settings, other):
    vault = open_vault(settings)
    blob = vault.seal("hunter2", **CELL)

    with pytest.raises(CannotOpen):
        vault.open(blob, **(CELL | other))


def _lose(settings):
    (settings.instance / FILE).unlink()
    return settings


def _replace(settings):
    (settings.instance / FILE).write_text(new_ring())
    return settings


def _truncate(settings):
    file = settings.instance / FILE
    file.write_text(file.read_text()[:20])
    return settings


def _give_another(settings):
    return dataclasses.replace(settings, master_key=Secret(new_ring()))


@pytest.mark.parametrize("harm", [_lose, _replace, _truncate, _give_another])
@pytest.mark.usefixtures("both_databases")
def test_wrong_key_locks_and_changes_nothing(database, settings, harm):
    """Wrong, lost, truncated; everything stays as it was."""
    blob = open_vault(settings).seal("hunter2", **CELL)
    canary = bytes(Note.get_by_id("canary").value)
    files = sorted(path.name for path in settings.instance.iterdir())
    harmed = harm(settings)

    vault = open_vault(harmed)

    assert vault.locked
    for use in (
        lambda: vault.open(blob, **CELL),
        lambda: vault.seal("x", **CELL),
        lambda: vault.derive("x"),
    ):
        with pytest.raises(Locked):
            use()
    assert bytes(Note.get_by_id("canary").value) == canary
    left = sorted(path.name for path in settings.instance.iterdir())
    assert left == [name for name in files if harm is not _lose or name != FILE]


def test_right_key_unlocks_again(database, settings):
    key = (settings.instance / FILE).read_text()
    blob = open_vault(settings).seal("hunter2", **CELL)
    _replace(settings)
    assert open_vault(settings).locked

    (settings.instance / FILE).write_text(key)

    assert open_vault(settings).open(blob, **CELL) == "hunter2"


def test_rotated_ring_opens_what_the_old_key_sealed(database, settings):
    old = (settings.instance / FILE).read_text().strip()
    blob = open_vault(settings).seal("hunter2", **CELL)
    both = dataclasses.replace(settings, master_key=Secret(f"{new_ring()},{old}"))

    assert open_vault(both).open(blob, **CELL) == "hunter2"


def test_unreadable_key_stops_the_start(database, settings):
    """Its owner can mend the mode; a locked portal would hide why."""
    (settings.instance / FILE).chmod(0o644)

    with pytest.raises(CannotStart, match="chmod 600"):
        open_vault(settings)
