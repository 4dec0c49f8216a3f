"""What a program may send at once, and what patience buys it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.services import keys, quota
from portal.store.fields import now
from portal.store.models import Recipient
from tests.api.conftest import MAIL, Caller, count
from tests.api.test_refusing import problem

pytestmark = pytest.mark.usefixtures("both_databases")

PLATFORM = DefaultSender(
    host="relay.example.net",
    port=25,
    security="none",
    username=None,
    password=None,
    from_address="noreply@platform.example",
    per_hour=3,
)


def newest_due():
    return Recipient.select().order_by(Recipient.id.desc()).get().next_at


@pytest.fixture
def through_the_platform(installation, owner):
    settings = dataclasses.replace(installation.settings, default_sender=PLATFORM)
    here = dataclasses.replace(installation, settings=settings)
    client = create_app(installation=here).test_client()
    return Caller(client, keys.make(owner, name="script").key)


def mails(number, start=0):
    return [
        {**MAIL, "to": f"r{each}@example.com"} for each in range(start, start + number)
    ]


def test_one_recipient_gets_five_an_hour_by_one_key(caller, owner, make):
    make.sender(owner.tenant)
    for _ in range(5):
        assert caller.post(MAIL).status_code == 202

    answer = caller.post({**MAIL, "to": "new@example.com", "cc": "LEE@example.com"})

    problem(answer, 429)
    assert [row["field"] for row in answer.json["errors"]] == ["cc"]
    assert 0 < int(answer.headers["Retry-After"]) <= 7200
    assert caller.post({**MAIL, "to": "new@example.com"}).status_code == 202
    assert count() == 6


def test_a_batch_names_the_mail_that_is_one_too_many(caller, owner, make):
    make.sender(owner.tenant)

    answer = caller.post([*mails(2), *([MAIL] * 6)])

    problem(answer, 429)
    assert answer.json["errors"][0]["field"] == "[2].to"
    assert count() == 0


def test_patience_queues_a_burst_further_and_further_away(caller, owner, make):
    make.sender(owner.tenant)
    caller.post([MAIL] * 5)

    first = caller.post(MAIL, Prefer="respond-async")
    due_first = newest_due()
    caller.post([MAIL] * 5, Prefer="respond-async")

    assert first.status_code == 202
    assert due_first > now()
    assert newest_due() > due_first + timedelta(minutes=30)


def test_what_the_sandbox_captures_bothers_nobody(caller):
    assert caller.post([MAIL] * 20).status_code == 202


def test_the_platform_default_has_an_hourly_cap(through_the_platform):
    assert through_the_platform.post(mails(3)).status_code == 202

    answer = through_the_platform.post(mails(1, start=9)[0])

    problem(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0
    assert "3 recipients an hour" in answer.json["detail"]
    assert count() == 3


def test_the_cap_is_passed_by_patience_and_the_quota_is_not(
    through_the_platform, owner
):
    from portal.store.models import Tenant

    Tenant.update(quota=4).where(Tenant.id == owner.tenant.id).execute()
    through_the_platform.post(mails(3))

    queued = through_the_platform.post(mails(1, 5)[0], Prefer="respond-async")
    due = newest_due()
    refused = through_the_platform.post(mails(1, 6)[0], Prefer="respond-async")

    assert queued.status_code == 202
    assert due > now() + timedelta(minutes=1)
    assert refused.status_code == 429
    assert quota.used(owner.tenant) == 4


def test_the_quota_counts_for_both_senders(through_the_platform, caller, owner, make):
    through_the_platform.post(mails(2))
    make.sender(owner.tenant)
    caller.post(mails(3, 5))

    assert quota.used(owner.tenant) == 5


def test_a_replay_costs_neither_quota_nor_limit(caller, owner, make):
    make.sender(owner.tenant)
    for _ in range(8):
        answer = caller.post(MAIL, Idempotency_Key="once")
        assert answer.status_code == 202

    assert quota.used(owner.tenant) == 1
    assert count() == 1


def test_without_limits_nothing_is_counted(installation, owner, make):
    settings = dataclasses.replace(installation.settings, limits=False)
    free = dataclasses.replace(installation, settings=settings)
    client = create_app(installation=free).test_client()
    make.sender(owner.tenant)
    caller = Caller(client, keys.make(owner, name="script").key)

    assert caller.post([MAIL] * 100).status_code == 202
    assert caller.post([MAIL] * 100).status_code == 202
