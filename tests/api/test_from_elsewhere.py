"""While the platform carries the mail, a tenant still names its own From."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.services import keys, senders, sending
from tests.api.conftest import MAIL, Caller, count
from tests.api.test_refusing import problem

PLATFORM = DefaultSender(
    host="relay.example.net",
    port=25,
    security="none",
    username=None,
    password=None,
    from_address="noreply@platform.example",
)


@pytest.fixture
def caller(installation, owner, make):
    """Its tenant has a sender of its own, which is disabled."""
    make.sender(owner.tenant, allowed_from=["example.net"])
    senders.disable(owner, patience_s=0)
    settings = dataclasses.replace(installation.settings, default_sender=PLATFORM)
    here = dataclasses.replace(installation, settings=settings)
    client = create_app(installation=here).test_client()
    return Caller(client, keys.make(owner, name="script").key)


@pytest.mark.parametrize("from_", ["kim@example.net", "Acme <noreply@example.org>"])
def test_its_own_from_becomes_the_reply_to(caller, owner, from_):
    answer = caller.post({**MAIL, "from": from_})

    assert answer.status_code == 202
    installation = dataclasses.replace(
        owner.installation,
        settings=dataclasses.replace(
            owner.installation.settings, default_sender=PLATFORM
        ),
    )
    here = dataclasses.replace(owner, installation=installation)
    shown = sending.show(here, answer.json["id"])
    assert shown.mail.header("From") == "noreply@platform.example"
    assert from_.split()[-1].strip("<>") in shown.mail.header("Reply-To")


def test_anything_else_is_refused_as_before(caller):
    problem(caller.post({**MAIL, "from": "ceo@bank.example"}), 400)
    assert count() == 0
