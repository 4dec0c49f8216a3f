"""The engine looks after the disk, the database's log and the quotas."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from contextlib import contextmanager
from datetime import timedelta

import pytest

from portal.engine.reads import Reads
from portal.engine.upkeep import Upkeep
from portal.services import audit, quota
from portal.services.actor import Actor
from portal.store.fields import now
from portal.store.models import Note
from portal.store.room import LONG_LOG_BYTES, MIB, Floors
from tests.engine.conftest import until

ROOMY = Floors(accept_bytes=1, accept_share=0, claim_bytes=1, ballast_bytes=MIB)


@contextmanager
def upkeep(installation, floors=ROOMY):
    there = dataclasses.replace(installation, floors=floors)
    reads = Reads()
    made = Upkeep(Actor(installation=there, system="engine"), reads)
    yield lambda: asyncio.run(made.look())
    reads.close(lambda: None)


def test_a_log_that_grew_is_told_once(installation, caplog):
    log = installation.settings.instance / "portal.db-wal"
    before = log.stat().st_size
    with upkeep(installation) as look:
        look()
        assert "has grown" not in caplog.text
        os.truncate(log, LONG_LOG_BYTES)
        look()
        look()
        assert caplog.text.count("has grown to 256 MB") == 1
        os.truncate(log, before)
        look()
        os.truncate(log, LONG_LOG_BYTES)
        look()

    assert caplog.text.count("has grown to 256 MB") == 2


def test_a_disk_that_is_short_is_told_once(installation, caplog):
    short = dataclasses.replace(ROOMY, accept_bytes=1 << 62)
    with upkeep(installation, short) as look:
        look()
        look()

    assert caplog.text.count("no mail is accepted") == 1
    assert not (installation.settings.instance / "ballast").exists()


def test_the_ballast_is_made_again_where_there_is_room(installation):
    ballast = installation.settings.instance / "ballast"
    with upkeep(installation) as look:
        look()
        assert ballast.stat().st_size == MIB
        ballast.unlink()
        look()

    assert ballast.stat().st_size == MIB


@pytest.mark.usefixtures("both_databases")
def test_after_midnight_a_quota_that_differs_is_mended(engine, owner, caplog):
    caplog.set_level(logging.ERROR)
    yesterday = f"{now() - timedelta(days=1):%Y-%m-%d}".encode()
    Note.create(name="quota_recount", value=yesterday)
    quota.reserve(owner.here, 5)  # and no mail

    engine()

    until(lambda: quota.used(owner.here) == 0)
    assert "counted 5 recipients, and there are 0" in caplog.text
    names = [each.event for each in audit.events(owner, event="tenant.").events]
    assert "tenant.quota_corrected" in names
