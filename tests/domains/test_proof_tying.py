"""Which test or mail of the tenant a received mail is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.services.domains import proof
from portal.store.fields import now
from portal.store.models import LiveTest, Recipient
from tests.domains.mails import OWN, SHOP, mail


@pytest.fixture(autouse=True)
def published(dns):
    dns.publish(SHOP)


def test_the_mail_is_tied_to_its_test(both_databases, shop, owner, make):
    test = LiveTest.create(
        tenant=owner.here.id,
        to_address="lee@office.example",
        settings={},
        message_id="<7.abc@shop.example>",
        expires_at=now() + timedelta(hours=1),
    )
    sender_id = shop()

    tied = proof.prove(owner, sender_id, mail()).tied

    assert (tied.kind, tied.id) == ("test", test.public_id)
    LiveTest.update(tenant=make.tenant("other").id).execute()
    assert proof.prove(owner, sender_id, mail()).tied is None


def test_a_relays_own_message_id_is_what_it_answered(both_databases, shop, owner, make):
    """Amazon SES puts its own in place of ours."""
    given = "0100019a1b2c3d4e-5f6a7b8c-9d0e-4f1a-000000"
    test = LiveTest.create(
        tenant=owner.here.id,
        to_address="lee@office.example",
        settings={},
        message_id="<7.abc@shop.example>",
        state="done",
        outcome={"reply": {"code": 250, "text": f"250 Ok {given}"}},
        expires_at=now() + timedelta(hours=1),
    )
    sender_id = shop()
    content = mail(own=OWN.replace("7.abc@shop", f"{given}@email.amazonses"))

    assert proof.prove(owner, sender_id, content).tied.id == test.public_id
    LiveTest.update(tenant=make.tenant("other").id).execute()
    assert proof.prove(owner, sender_id, content).tied is None


SES = "0100019a1b2c3d4e-5f6a7b8c-9d0e-4f1a-000000"
ANSWERED = {"code": 250, "enhanced": None, "text": f"Ok {SES}"}


def answered_as(make, tenant, **more):
    """A mail of the tenant's that the relay took with this reply."""
    message = make.message(tenant, to=("lee@office.example",), state="sent", **more)
    Recipient.update(reply=ANSWERED).where(Recipient.message == message).execute()
    return message


def test_a_mail_is_tied_by_what_its_relay_answered(both_databases, shop, owner, make):
    answered_as(make, make.tenant("other"))
    message = answered_as(make, owner.here)
    make.message(owner.here, to=("lee@office.example",), state="sent")
    sender_id = shop()
    content = mail(own=OWN.replace("7.abc@shop", f"{SES}@eu-west-1.amazonses"))

    tied = proof.prove(owner, sender_id, content).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)
    assert tied.by_reply
    Recipient.update(tenant=make.tenant("third").id).execute()
    assert proof.prove(owner, sender_id, content).tied is None


@pytest.mark.parametrize(
    "own",
    [
        OWN.replace("lee@", "sam@").replace("7.abc@shop", f"{SES}@amazonses"),
        OWN.replace("7.abc@shop", f"{SES[:20]}@amazonses"),
        OWN.replace("7.abc@shop", "Ok@amazonses"),
        OWN.replace("To: lee@office.example", "To: " + "<,@" * 5000),
    ],
    ids=["another recipient", "a part of it", "a short word", "hostile addresses"],
)
def test_a_mail_is_not_tied_by_chance(shop, owner, make, own):
    answered_as(make, owner.here)

    assert proof.prove(owner, shop(), mail(own=own)).tied is None


def test_the_id_that_a_relay_kept_beside_its_own_counts(shop, owner, make):
    """Gmail and Outlook.com replace a Message-ID and name the one that was there."""
    message = make.message(owner.here)
    kept = f"X-Google-Original-Message-ID: {message.message_id}\n"

    tied = proof.prove(owner, shop(), mail(own=kept + OWN)).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)


def test_the_mail_is_tied_to_what_was_sent(shop, owner, make):
    message = make.message(owner.here)
    content = mail(own=OWN.replace("<7.abc@shop.example>", message.message_id))

    tied = proof.prove(owner, shop(), content).tied

    assert (tied.kind, tied.id) == ("message", message.public_id)
