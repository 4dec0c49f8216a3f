"""A key may be bound to domains, of its senders and of its recipients."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.errors import Invalid
from portal.services import keys
from portal.store.models import AuditEvent
from tests.api.conftest import MAIL, Caller, count
from tests.api.test_refusing import problem


@pytest.fixture
def bound(client, owner, make):
    """A caller whose key has these domains; the sender is noreply@example.org."""
    make.sender(owner.tenant, allowed_from=["example.net"])

    def make_caller(here=None, **domains):
        key = keys.make(owner, name="bound", **domains).key
        return Caller(here or client, key)

    return make_caller


def test_a_key_sends_only_as_its_domains(bound):
    caller = bound(from_domains=["Example.NET"])

    refused = caller.post(MAIL)
    taken = caller.post({**MAIL, "from": "kim@example.net"})

    problem(refused, 403)
    assert "example.org" in refused.json["detail"]
    assert taken.status_code == 202


@pytest.mark.usefixtures("both_databases")
def test_a_key_sends_only_to_its_domains(bound):
    caller = bound(to_domains=["example.com", "example.org"])

    refused = caller.post({**MAIL, "bcc": "ceo@bank.example"})
    taken = caller.post(MAIL)

    problem(refused, 403)
    assert "bank.example" in refused.json["detail"]
    assert taken.status_code == 202
    assert count() == 1


def test_the_from_of_the_platform_is_not_the_callers_choice(bound, installation, owner):
    default = DefaultSender(
        host="relay.example.net",
        port=25,
        security="none",
        username=None,
        password=None,
        from_address="noreply@platform.example",
    )
    from portal.services import senders

    senders.disable(owner, patience_s=0)
    settings = dataclasses.replace(installation.settings, default_sender=default)
    here = dataclasses.replace(installation, settings=settings)
    caller = bound(create_app(installation=here).test_client(), from_domains=["x.test"])
    senders.disable(owner, patience_s=0)

    assert caller.post(MAIL).status_code == 202
    problem(caller.post({**MAIL, "from": "kim@example.net"}), 403)


def test_a_domain_that_is_none_is_refused_by_its_field(owner):
    with pytest.raises(Invalid) as caught:
        keys.make(owner, name="bound", to_domains=["not a domain"])

    assert [row.field for row in caught.value.errors] == ["to_domains"]


def test_what_a_key_is_bound_to_is_shown_and_audited(owner):
    keys.make(owner, name="bound", from_domains=["example.org", "EXAMPLE.org"])

    (view,) = keys.keys(owner)
    assert (view.from_domains, view.to_domains) == (("example.org",), ())
    event = AuditEvent.get(AuditEvent.event == "key.created")
    assert event.detail["from_domains"] == ["example.org"]
