"""A live test is neither a scanner nor a gun, and says little of our network."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from portal.errors import TooMany
from portal.services import testing
from portal.store.fields import now
from portal.store.models import LiveTest


def test_ten_in_ten_minutes_and_no_more(admin, ask):
    for _ in range(10):
        ask(admin)

    with pytest.raises(TooMany) as refused:
        ask(admin)

    assert refused.value.retry_after_s > 0
    assert LiveTest.select().count() == 10


def test_the_limit_is_of_the_tenant(admin, stranger, ask):
    for _ in range(10):
        ask(admin)

    ask(stranger)


def test_five_hosts_an_hour(admin, ask):
    for number in range(5):
        ask(admin, host=f"smtp{number}.example.org")

    with pytest.raises(TooMany, match="5 hosts"):
        ask(admin, host="one-more.example.org")
    ask(admin, host="smtp0.example.org", port=2525)

    LiveTest.update(created_at=now() - timedelta(minutes=61)).execute()
    ask(admin, host="one-more.example.org")


def test_five_other_addresses_a_day(admin, ask):
    for number in range(5):
        ask(admin, to=f"{number}@example.com")

    with pytest.raises(TooMany, match="other addresses"):
        ask(admin, to="one-more@example.com")
    ask(admin, to="0@example.com")
    ask(admin, to="admin@example.org")


def test_faults_in_the_form_cost_nothing(admin, ask):
    for _ in range(20):
        with pytest.raises(Exception, match="A port is"):
            ask(admin, port="x")

    ask(admin)


def test_limits_can_be_off(installation, admin, ask):
    settings = dataclasses.replace(installation.settings, limits=False)
    here = dataclasses.replace(installation, settings=settings)
    free = dataclasses.replace(admin, installation=here)

    for number in range(12):
        ask(free, host=f"smtp{number}.example.org", to=f"{number}@example.com")


class TestForbiddenRelay:
    """Only who may do something about it learns which setting allows it."""

    @pytest.fixture
    def test(self, admin, ask, run_tests, sink) -> str:
        relay = sink()
        self.port = relay.port
        test = ask(
            admin, host="localhost", port=relay.port, auth="none", security="none"
        )
        run_tests()
        assert relay.mails == []
        return test

    def test_an_owner_reads_the_exact_setting(self, owner, test):
        view = testing.read(owner, test)

        assert (view.status, view.stage) == ("failed", "dns")
        assert view.remedy.startswith("PORTAL_RELAY_ALLOW=")
        assert view.remedy.endswith(f":{self.port}")
        assert view.remedy in view.diagnosis["remedy"] + view.diagnosis["meaning"]

    def test_an_operator_who_is_no_owner_reads_it_too(self, viewer, test):
        person = dataclasses.replace(viewer.person, is_operator=True)

        view = testing.read(dataclasses.replace(viewer, person=person), test)

        assert view.remedy is not None

    @pytest.mark.parametrize("who", ["admin", "viewer"])
    def test_others_read_the_uniform_sentence(self, request, who, test):
        view = testing.read(request.getfixturevalue(who), test)

        assert view.remedy is None
        assert "PORTAL_RELAY_ALLOW=" not in repr(view)
        assert "127.0.0.1" not in repr(view)
        assert "may not connect to that host and port" in view.steps[0].said
