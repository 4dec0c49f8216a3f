"""Repairs of a live test: tried in the background, and kept with its outcome."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.diagnosis.types import Repair
from portal.services import testing
from portal.store.models import LiveTest


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


def test_tls_from_the_start_is_tried_right_after_the_test(
    both_databases, admin, ask, run_tests, sink, authority
):
    relay = sink(users={"app": "open sesame"}, tls=authority.contexts["good"])
    test = ask(admin, host="localhost", port=relay.port, ca=authority.pem)
    run_tests()

    view = testing.read(admin, test)

    assert view.is_final and not view.checking
    [repair, *_] = view.diagnosis["repairs"]
    assert repair["set"] == {"security": "tls"}
    assert repair["tested"]
    assert repair["said"].startswith(f"{relay.port} with TLS from the start answers")
    assert relay.log_ons == []


def test_while_repairs_are_tried_none_is_offered(admin, ask, run_tests, play):
    """A button must not change under a finger: they come together, at the end."""
    relay = play("says_nothing.txt")
    test = ask(admin, host="localhost", port=relay.port)
    run_tests()
    row = LiveTest.get(LiveTest.public_id == test)
    LiveTest.update(outcome={**row.outcome, "checking": True}).execute()

    assert testing.read(admin, test).checking
    testing.mended(row.id, (Repair(set={"port": 465}, label="Use 465"),))

    view = testing.read(admin, test)
    assert not view.checking
    assert [each["set"] for each in view.diagnosis["repairs"]] == [{"port": 465}]


def test_a_process_that_died_leaves_no_test_that_waits_for_it(
    admin, ask, run_tests, play
):
    test = ask(admin, host="localhost", port=play("says_nothing.txt").port)
    run_tests()
    row = LiveTest.get(LiveTest.public_id == test)
    LiveTest.update(
        outcome={**row.outcome, "checking": True},
        ended_at=row.ended_at - timedelta(seconds=60),
    ).execute()

    assert not testing.read(admin, test).checking


def test_a_user_name_in_another_form_waits_for_nothing(
    admin, ask, run_tests, sink, authority
):
    relay = sink(
        users={"app@example.org": "open sesame"}, starttls=authority.contexts["good"]
    )
    test = ask(admin, host="localhost", port=relay.port, ca=authority.pem)
    run_tests()

    [repair] = testing.read(admin, test).diagnosis["repairs"]

    assert repair["set"] == {"username": "app@example.org"}
    assert not repair["tested"]


def test_owners_are_offered_the_same(owner, ask, run_tests, sink, authority):
    relay = sink(users={"app": "open sesame"}, tls=authority.contexts["good"])
    test = ask(owner, host="localhost", port=relay.port, ca=authority.pem)
    run_tests()

    assert testing.read(owner, test).diagnosis["repairs"][0]["tested"]
