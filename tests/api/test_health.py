"""Health for machines: there, ready, and how much waits."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.config import Settings
from portal.engine.bell import EngineBell
from portal.engine.engine import Engine
from portal.secret import Secret
from portal.store.room import Floors
from portal.store.vault import Vault
from tests.api.conftest import MAIL
from tests.engine.conftest import QUICK, until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, metrics_token=Secret("token-of-the-operator"))


def test_the_process_is_there(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.usefixtures("both_databases")
def test_without_an_engine_here_the_web_is_ready(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json["checks"] == {
        "database": "ok",
        "engine": "elsewhere",
        "key": "ok",
    }


def test_the_engine_of_this_process_must_be_well(installation):
    installation = dataclasses.replace(installation, bell=EngineBell())
    client = create_app(installation=installation).test_client()
    assert client.get("/readyz").status_code == 503

    engine = Engine(installation, "health", timing=QUICK)
    engine.start()
    until(lambda: client.get("/readyz").status_code == 200)
    engine.stop(grace_s=0.1)

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["engine"] == "not running"


def test_a_locked_installation_is_not_ready(installation):
    locked = Vault(installation.vault._ring, locked=True)
    client = create_app(
        installation=dataclasses.replace(installation, vault=locked)
    ).test_client()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["key"] == "locked"


def test_metrics_for_who_has_the_token(client, caller):
    caller.post({**MAIL, "to": ["a@example.com", "b@example.com"]})

    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer token-of-the-operator"}
    )

    assert answer.status_code == 200
    assert 'portal_recipients{state="queued"} 2' in answer.text.splitlines()
    assert 'portal_recipients{state="sent"} 0' in answer.text.splitlines()


@pytest.mark.parametrize("token", ["", "Bearer x", "Bearer token-of-the-operato"])
def test_metrics_for_nobody_else(client, token):
    answer = client.get("/metrics", headers={"Authorization": token})

    assert answer.status_code == 401


def test_without_a_token_there_are_no_metrics(installation):
    bare = dataclasses.replace(installation.settings, metrics_token=None)
    client = create_app(
        installation=dataclasses.replace(installation, settings=bare)
    ).test_client()

    assert client.get("/metrics").status_code == 404


def test_a_disk_without_room_is_not_ready(installation):
    short = dataclasses.replace(installation, floors=Floors(accept_bytes=1 << 62))
    answer = create_app(installation=short).test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == "no room"


def test_a_database_that_was_damaged_meanwhile_is_not_ready(
    client, database, installation
):
    """A page that makes no sense is no page that cannot be reached."""
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    [[page]] = database.execute_sql(
        "SELECT rootpage FROM sqlite_master WHERE name = 'schema_migration'"
    ).fetchall()
    database.close()
    database.close_idle()  # each has read it before
    with (installation.settings.instance / "portal.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == "damaged"
