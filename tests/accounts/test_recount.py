"""Each night the quota is held against the mail: they differ by 0, or are mended."""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta
from functools import partial

import pytest

from portal.address import parse_named
from portal.mail.types import Draft
from portal.services import audit, quota, recount, sending
from portal.services.actor import Actor
from portal.services.outbox import retention, schedule
from portal.store.fields import now
from portal.store.models import Counter, Message, Note, Recipient

pytestmark = pytest.mark.usefixtures("both_databases")
TO = tuple(parse_named(f"r{number}@example.com") for number in range(3))


@pytest.fixture
def engine(installation):
    return Actor(installation=installation, system="engine")


@pytest.fixture(autouse=True)
def sender(owner, make):
    return make.sender(owner.tenant)


def send(actor, *to) -> str:
    draft = Draft(to=to or TO, subject="Hello", text="Hi.")
    return sending.accept(actor, [draft]).messages[0].id


def night(installation) -> None:
    """The last recount was on another day."""
    day = f"{now() - timedelta(days=1):%Y-%m-%d}".encode()
    Note.insert(name="quota_recount", value=day).on_conflict(
        conflict_target=[Note.name], update={Note.value: day}
    ).execute()


def close(engine, *, differ=True):
    work = partial(recount.close, engine, differ=differ)
    return engine.installation.writer.run(work)


def run(engine, work):
    return engine.installation.writer.run(work)


def test_all_that_happens_to_mail_leaves_no_difference(owner, engine, stranger, make):
    """Accepted, cancelled, expired, claimed, sent, forgotten; an alert beside it."""
    make.sender(stranger.tenant)
    send(owner)
    send(stranger, TO[0])
    sending.cancel(owner, send(owner))
    expired = Message.get(Message.public_id == send(owner, TO[0]))
    Recipient.update(expires_at=1).where(Recipient.message == expired).execute()
    run(engine, partial(schedule.expire, engine))
    tried = Message.get(Message.public_id == send(owner, TO[1]))
    Recipient.update(token=1, state="cancelled").where(
        Recipient.message == tried
    ).execute()
    make.message(owner.tenant, origin="alert")
    assert quota.used(owner.here) == 4

    assert recount.differences() == []


def test_forgotten_mail_still_counts(owner, engine):
    """Retention of a week, in a month that has not ended."""
    send(owner)
    kept = send(owner, TO[0])
    old = Message.select().where(Message.public_id != kept).get()
    Recipient.update(state="sent").where(Recipient.message == old).execute()
    Message.update(state="sent", settled_at=now()).where(Message.id == old.id).execute()

    assert run(engine, partial(retention.sweep, 0)) == 1
    assert Message.select().count() == 1
    assert recount.differences() == []
    assert quota.used(owner.here) == 4


@pytest.mark.parametrize("by", [2, -2])
def test_a_difference_is_logged_audited_and_mended(owner, engine, caplog, by):
    send(owner)
    Counter.update(used=Counter.used + by).where(
        Counter.name == f"quota:{owner.here.id}"
    ).execute()
    night(owner.installation)
    caplog.set_level(logging.ERROR)

    assert recount.is_due()
    found = close(engine)

    assert [(each.counted, each.found) for each in found] == [(3 + by, 3)]
    assert quota.used(owner.here) == 3
    assert recount.differences() == []
    assert "acme-inc" in caplog.text
    [event] = audit.events(owner, event="tenant.quota_corrected").events
    assert event.detail == {"month": f"{now():%Y-%m}", "before": 3 + by, "now": 3}
    assert audit.verify(owner).broken_at is None


def test_a_counter_that_is_gone_is_found(owner, engine):
    send(owner)
    Counter.delete().execute()
    night(owner.installation)

    close(engine)

    assert quota.used(owner.here) == 3


def test_one_of_two_processes_closes_the_night(owner, engine):
    send(owner)
    Counter.update(used=7).execute()
    night(owner.installation)

    assert len(close(engine)) == 1
    Counter.update(used=7).execute()
    assert not recount.is_due()
    assert close(engine) == []


def test_a_new_database_only_begins(engine, make, owner):
    make.message(owner.tenant)

    assert recount.is_due()
    assert close(engine) == []
    assert not recount.is_due()


def test_a_night_without_a_difference_counts_nothing_again(owner, engine):
    send(owner)
    night(owner.installation)

    assert close(engine, differ=False) == []
    assert not recount.is_due()


def test_a_mail_of_the_last_moment_counts_for_its_own_month(owner):
    """Accepted before midnight, committed behind it."""
    before = now().replace(day=1, hour=0, minute=0) - timedelta(minutes=1)

    quota.reserve(owner.here, 2, at=before)

    assert quota.used(owner.here, before) == 2
    assert quota.used(owner.here) == 0


def test_the_stranger_is_mended_alone(owner, stranger, engine, make):
    make.sender(stranger.tenant)
    send(owner)
    send(stranger)
    Counter.update(used=9).where(Counter.name == f"quota:{stranger.here.id}").execute()
    night(owner.installation)

    found = close(engine)

    assert [each.tenant for each in found] == [
        dataclasses.replace(stranger.here, name="Other Ltd")
    ]
    assert (quota.used(owner.here), quota.used(stranger.here)) == (3, 3)
