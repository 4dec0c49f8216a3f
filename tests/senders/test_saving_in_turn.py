"""A sender is saved by the thread that writes the mail, in its turn."""

from __future__ import annotations

import threading

import peewee
import pytest

from portal.errors import Invalid
from portal.store.database import connection, transaction
from tests.store.writing import Held, add


@pytest.mark.parametrize("activate", [False, True])
def test_a_save_waits_its_turn_behind_mail(admin, save, database, activate):
    """By the one writing thread: whoever asks for SQLite's lock beside it, while mail
    flows, may never get it."""
    held = Held(admin.installation.writer)
    database.pragma("busy_timeout", 10)
    with pytest.raises(peewee.OperationalError, match="locked"), transaction():
        raise AssertionError("the lock is not to be had")
    threading.Timer(0.3, held.release).start()

    assert save(admin, activate=activate).version == 1


def test_what_a_save_refuses_does_not_fail_mail(both_databases, admin, save):
    """Two works of one group: the name that is taken fails alone."""
    save(admin, name="Relay")
    writer = admin.installation.writer
    held, refused = Held(writer), []

    def take() -> None:
        with connection(), pytest.raises(Invalid) as caught:
            save(admin, name="Relay")
        refused.append(caught.value.errors[0].field)

    thread = threading.Thread(target=take)
    thread.start()
    mail = writer.submit(lambda: add("mail"))
    held.release()
    thread.join()

    assert (refused, mail.result()) == (["name"], "mail")
