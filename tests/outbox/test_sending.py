"""The services of sending as people use them: who may, and what they see."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.address import parse_named
from portal.config import DefaultSender
from portal.errors import Forbidden, Invalid, Missing, TooMany, Unavailable
from portal.mail.types import Draft
from portal.services import quota, sending
from portal.services.sending import Filter
from portal.store.database import connection
from portal.store.models import Message, Recipient, Route, Tenant
from portal.store.room import Floors

pytestmark = pytest.mark.usefixtures("both_databases")
LEE = parse_named("lee@example.com")
DRAFT = Draft(to=(LEE,), subject="Hello", text="Hi.")


@pytest.fixture(autouse=True)
def sender(owner, make):
    return make.sender(owner.tenant)


def send(actor, draft: Draft = DRAFT) -> str:
    return sending.accept(actor, [draft]).messages[0].id


def test_an_admin_sends_and_a_viewer_only_reads(admin, viewer):
    key = send(admin)

    assert sending.read(viewer, key).status == "queued"
    with pytest.raises(Forbidden):
        send(viewer)
    with pytest.raises(Forbidden):
        sending.cancel(viewer, key)
    with pytest.raises(Forbidden):
        sending.decide(viewer, key, "sent")


def test_a_stranger_gets_nothing(owner, stranger):
    key = send(owner)

    for ask in (sending.read, sending.cancel):
        with pytest.raises(Missing):
            ask(stranger, key)
    with pytest.raises(Missing):
        sending.decide(stranger, key, "sent")
    assert sending.find(stranger, Filter()).messages == ()


def test_an_uncertain_mail_is_decided_by_a_person(owner):
    key = send(owner, dataclasses.replace(DRAFT, cc=(parse_named("ann@example.com"),)))
    Recipient.update(state="uncertain").execute()

    shown = sending.decide(owner, key, "sent", address="lee@example.com")

    assert [row.status for row in shown.recipients] == ["sent", "uncertain"]
    assert shown.recipients[0].decided_by == owner.label
    assert sending.decide(owner, key, "failed").status == "partial"
    with pytest.raises(Invalid):
        sending.decide(owner, key, "cancelled")


def test_without_a_way_nothing_is_accepted(owner):
    Route.update(active_version=None).execute()

    with pytest.raises(Unavailable):
        send(owner)
    assert Message.select().count() == 0


@pytest.mark.parametrize(
    "floors",
    [Floors(accept_bytes=1 << 62), Floors(accept_share=1, share_at_most_bytes=1 << 62)],
)
def test_without_room_on_the_disk_nothing_is_accepted(owner, floors):
    """Of the two floors the higher one counts; a server has a disk of its own."""
    installation = dataclasses.replace(owner.installation, floors=floors)
    actor = dataclasses.replace(owner, installation=installation)

    if installation.settings.database_url:
        send(actor)
        return
    with pytest.raises(Unavailable) as caught:
        send(actor)
    assert caught.value.retry_after_s > 0
    assert Message.select().count() == 0


def test_the_last_units_of_a_quota_go_to_exactly_so_many(owner):
    Tenant.update(quota=10).where(Tenant.id == owner.tenant.id).execute()

    def one(_: int) -> bool:
        with connection():
            try:
                send(owner)
            except TooMany:
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        accepted = sum(threads.map(one, range(24)))

    assert accepted == 10
    assert quota.used(owner.tenant) == 10
    assert Recipient.select().count() == 10


def test_through_the_platform_a_tenant_may_name_its_own_address(owner):
    """The mail goes out with the platform's From; the tenant's becomes Reply-To."""
    Route.update(active_version=None).execute()
    default = DefaultSender(
        host="127.0.0.1",
        port=25,
        security="none",
        username=None,
        password=None,
        from_address="noreply@portal.example",
    )
    settings = dataclasses.replace(owner.installation.settings, default_sender=default)
    actor = dataclasses.replace(
        owner, installation=dataclasses.replace(owner.installation, settings=settings)
    )

    send(actor, dataclasses.replace(DRAFT, from_=parse_named("noreply@example.org")))

    with pytest.raises(Invalid):
        send(actor, dataclasses.replace(DRAFT, from_=parse_named("ceo@bank.example")))


def test_a_mail_to_several_says_so_in_short(owner):
    key = send(owner, dataclasses.replace(DRAFT, bcc=(parse_named("ann@example.com"),)))

    shown = sending.read(owner, key)

    assert shown.shown_to == "lee@example.com and 1 other"
    assert [row.field for row in shown.recipients] == ["to", "bcc"]
