"""A secret typed for a test is lent to a repair of the same session, no further."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.types import Limits
from portal.errors import Invalid
from portal.services import senders, testing
from portal.store.fields import now
from portal.store.models import LiveTest
from tests.senders.conftest import browser_session


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


def refused(ask, actor, **form) -> list[str]:
    with pytest.raises(Invalid) as caught:
        ask(actor, password="", **form)
    return [each.field for each in caught.value.errors]


def test_a_repair_on_the_same_host_needs_no_retyping(
    signed_in, ask, run_tests, sink, authority
):
    relay = sink(users={"app": "open sesame"}, tls=authority.contexts["good"])
    where = {"host": "localhost", "port": relay.port, "ca": authority.pem}
    first = ask(signed_in, security="starttls", **where)
    run_tests(limits=Limits.every(0.5, 5))

    second = ask(signed_in, password="", typed_in=first, security="tls", **where)
    run_tests()

    assert testing.read(signed_in, first).status == "failed"
    assert testing.read(signed_in, second).status == "sent"
    assert relay.log_ons == [("app", "PLAIN")]


@pytest.mark.parametrize(
    "change",
    [
        {"host": "evil.example.net"},
        {"security": "none", "port": 2525},
    ],
)
def test_elsewhere_or_readable_it_is_typed_again(signed_in, ask, change):
    first = ask(signed_in)

    assert "password" in refused(ask, signed_in, typed_in=first, **change)


def test_another_authority_could_be_anybodys(signed_in, ask, authority):
    first = ask(signed_in)

    assert refused(ask, signed_in, typed_in=first, ca=authority.pem) == ["password"]


def test_another_session_borrows_nothing(signed_in, ask):
    first = ask(signed_in)
    elsewhere = dataclasses.replace(signed_in, session_id=browser_session(signed_in))
    without = dataclasses.replace(signed_in, session_id=None)

    assert refused(ask, elsewhere, typed_in=first) == ["password"]
    assert refused(ask, without, typed_in=first) == ["password"]


def test_another_tenant_borrows_nothing(signed_in, stranger, ask):
    first = ask(signed_in)
    stranger = dataclasses.replace(stranger, session_id=signed_in.session_id)

    assert refused(ask, stranger, typed_in=first) == ["password"]


def test_after_fifteen_minutes_it_is_typed_again(signed_in, ask, installation):
    first = ask(signed_in)
    LiveTest.update(expires_at=now() - timedelta(seconds=1)).execute()

    testing.tidy(installation)

    assert refused(ask, signed_in, typed_in=first) == ["password"]
    assert LiveTest.get().sealed is None


def test_lending_it_on_does_not_make_it_younger(signed_in, ask, installation):
    first = ask(signed_in)
    second = ask(signed_in, password="", typed_in=first)
    until = [
        senders.typed.open_typed(
            installation.vault, LiveTest.get(LiveTest.public_id == test)
        ).typed_until
        for test in (first, second)
    ]

    assert until[0] == until[1]


def test_a_stored_secret_is_not_lent(signed_in, ask, save):
    """Else: test what is saved, then point a "repair" to another port or user."""
    saved = save(signed_in)
    first = ask(signed_in, sender_id=saved.id, password="")

    assert refused(
        ask, signed_in, sender_id=saved.id, typed_in=first, username="root"
    ) == ["password"]


def test_it_is_lent_to_the_save_as_well(signed_in, ask, form):
    first = ask(signed_in)

    saved = senders.save(
        signed_in,
        sender_id=None,
        values=form(password=""),
        activate=False,
        typed_in=first,
    )

    assert saved.version == 1
    assert "password" in senders.sender(signed_in, saved.id).secrets


def test_the_row_of_a_test_holds_no_secret_in_clear(signed_in, ask):
    ask(signed_in, password="correct horse battery")

    row = LiveTest.get()
    assert "smtp.example.org" in str(row.settings)
    assert b"correct horse" not in bytes(row.sealed)
    assert "correct horse" not in str(row.settings)
