"""Prefer: wait. The answer of a relay, if it comes in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from portal.api import send
from portal.api.preferring import Preferences, preferences
from portal.config import Settings
from portal.delivery.types import Limits
from portal.engine.bell import EngineBell
from portal.engine.engine import Engine
from tests.api.conftest import MAIL
from tests.engine.conftest import LOOPBACK, PATIENT

if TYPE_CHECKING:
    from portal.services.installation import Installation


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, relay_allow=(LOOPBACK,))


@pytest.fixture
def installation(installation: Installation) -> Installation:
    return dataclasses.replace(installation, bell=EngineBell())


@pytest.fixture
def engine(installation: Installation) -> Iterator[Engine]:
    made = Engine(installation, "waiting", timing=PATIENT, limits=Limits.every(5, 10))
    made.start()
    yield made
    made.stop(grace_s=0.2)


def through(make, owner, relay) -> None:
    make.sender(
        owner.tenant, host=relay.host, port=relay.port, from_address="kim@example.org"
    )


def test_who_waits_gets_the_outcome(engine, caller, owner, make, sink):
    relay = sink()
    through(make, owner, relay)

    answer = caller.post(MAIL, Prefer="wait=10")

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.headers["Location"]
    document = answer.json
    assert document["status"] == "sent"
    assert document["captured"] is False
    (attempt,) = document["attempts"]
    assert attempt["outcome"] == "sent"
    assert attempt["sender_version"] == 1
    assert attempt["reply"]["code"] == 250
    assert attempt["stage"] is None
    assert attempt["ms"] >= 0
    assert len(relay.mails) == 1


def test_who_waits_for_a_refused_mail_reads_why(engine, caller, owner, make, play):
    through(make, owner, play("says_554_to_data.txt"))

    answer = caller.post(MAIL, Prefer="wait=10")

    assert answer.status_code == 200
    assert answer.json["status"] == "failed"
    assert answer.json["recipients"][0]["status"] == "failed"
    assert answer.json["diagnosis"]["title"]
    assert answer.json["attempts"][0]["stage"] == "data"


def test_a_mail_that_waits_for_an_hour_is_answered_at_once(
    engine, caller, owner, make, play
):
    through(make, owner, play("greets_with_554.txt"))

    answer = caller.post(MAIL, Prefer="wait=30")

    assert answer.status_code == 202
    assert answer.json["status"] == "deferred"
    assert answer.json["diagnosis"]


def test_without_an_outcome_in_time_it_is_202(caller):
    """Nobody sends here: no engine runs."""
    answer = caller.post(MAIL, Prefer="wait=0.2, wait=1")

    assert answer.status_code == 202
    assert answer.json["status"] == "queued"


def test_a_batch_waits_for_all(engine, caller, owner, make, sink):
    through(make, owner, sink())

    answer = caller.post([MAIL, MAIL], Prefer="wait=10")

    assert answer.status_code == 200
    assert [row["status"] for row in answer.json["messages"]] == ["sent", "sent"]


def test_those_who_wait_take_half_the_threads_at_most(caller):
    with ExitStack() as waiting:
        while send.WAITING.acquire(blocking=False):
            waiting.callback(send.WAITING.release)

        answer = caller.post(MAIL, Prefer="wait=30")

    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], Preferences()),
        (["wait=10"], Preferences(wait_s=10)),
        (["WAIT = 10"], Preferences(wait_s=10)),
        (['wait="10"'], Preferences(wait_s=10)),
        (["wait=10; x=y"], Preferences(wait_s=10)),
        (["wait=600"], Preferences(wait_s=30)),
        (["wait=-1"], Preferences()),
        (["wait=soon"], Preferences()),
        (["respond-async, wait=5"], Preferences(wait_s=5, respond_async=True)),
        (["respond-async", "wait=5"], Preferences(wait_s=5, respond_async=True)),
        (["wait=5, wait=9"], Preferences(wait_s=5)),
        (["return=minimal"], Preferences()),
    ],
)
def test_preferences_as_rfc_7240_writes_them(headers, found):
    assert preferences(headers) == found
