"""A test counts for the version that is exactly what was tested."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.services import senders
from portal.store.models import SenderVersion

USERS = {"app": "open sesame"}


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


@pytest.fixture
def relay(sink, authority):
    """STARTTLS and a password; what a form must say to reach it."""
    it = sink(users=USERS, starttls=authority.contexts["good"])
    return it, {"host": "localhost", "port": it.port, "ca": authority.pem}


def test_when_it_was_saved_before_the_test(admin, ask, save, run_tests, relay):
    _, where = relay
    saved = save(admin, **where)
    ask(admin, sender_id=saved.id, **where)
    run_tests()

    view = senders.sender(admin, saved.id)
    assert view.test_status == "sent"
    assert senders.activate(admin, saved.id, 1, patience_s=0).warning is None


def test_when_it_is_saved_after_the_test(admin, ask, save, run_tests, relay):
    _, where = relay
    ask(admin, **where)
    run_tests()

    saved = save(admin, activate=True, name="Any name", **where)

    assert (saved.tested, saved.warning) == (True, None)


def test_not_when_a_tested_field_differs(admin, ask, save, run_tests, relay):
    _, where = relay
    saved = save(admin, **where)
    ask(admin, sender_id=saved.id, **where, from_name="Other")
    ask(admin, sender_id=saved.id, **where, password="other")
    run_tests()

    assert senders.sender(admin, saved.id).tested_at is None


def test_not_in_another_tenant(admin, stranger, ask, save, run_tests, relay):
    _, where = relay
    saved = save(stranger, **where)
    ask(admin, **where)
    run_tests()

    assert senders.sender(stranger, saved.id).tested_at is None


def test_a_failed_one_is_said_at_the_activation(admin, ask, save, run_tests, relay):
    _, where = relay
    saved = save(admin, password="wrong", **where)
    ask(admin, sender_id=saved.id, password="", **where)
    run_tests()

    warned = senders.activate(admin, saved.id, 1, patience_s=0)

    assert warned.warning == "The last test of version 1 did not pass."
    assert SenderVersion.get().test_status == "failed"
