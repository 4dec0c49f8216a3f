"""Limits and quotas are exact, also when many ask at once."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta

import pytest

from portal.errors import TooMany
from portal.services import limits, quota, tenants
from portal.store import database as store
from portal.store.fields import now
from portal.store.models import Counter

both = pytest.mark.usefixtures("both_databases")
WINDOW_S = 900


@pytest.fixture
def spend(installation):
    def use(name="tests", limit=3, **more):
        limits.spend(installation, name, limit=limit, window_s=WINDOW_S, **more)

    return use


def pass_time(by: timedelta) -> None:
    for row in Counter.select():
        row.window_at -= by
        row.save()


@both
def test_limit_is_kept_and_a_refusal_costs_nothing(spend):
    for _ in range(3):
        spend()
    for _ in range(3):
        with pytest.raises(TooMany) as caught:
            spend()

    assert sum(row.used for row in Counter.select()) == 3
    assert 0 < caught.value.retry_after_s <= 2 * WINDOW_S


def test_names_do_not_share(spend):
    for _ in range(3):
        spend("one")

    spend("two")


def test_windows_slide(spend):
    """At the turn of a window the one before still counts: no double burst."""
    for _ in range(3):
        spend()
    pass_time(timedelta(seconds=WINDOW_S))
    with pytest.raises(TooMany):
        spend(limit=1)

    pass_time(timedelta(seconds=WINDOW_S))
    spend(limit=1)


def test_waiting_as_long_as_was_said_is_enough(spend):
    for _ in range(3):
        spend()
    with pytest.raises(TooMany) as caught:
        spend()

    windows = -(-caught.value.retry_after_s // WINDOW_S)
    pass_time(timedelta(seconds=WINDOW_S * (windows + 1)))
    spend()


def test_dear_use_counts_as_many(spend):
    spend(cost=2)

    with pytest.raises(TooMany):
        spend(cost=2)
    spend(cost=1)


def test_use_is_given_back_and_forgiven(spend):
    for _ in range(3):
        spend()
    limits.give_back("tests", window_s=WINDOW_S)
    spend()
    limits.forgive("tests", window_s=WINDOW_S)

    for _ in range(3):
        spend()


def test_limits_switched_off_count_nothing(installation):
    off = dataclasses.replace(installation.settings, limits=False)
    free = dataclasses.replace(installation, settings=off)

    limits.spend(free, "tests", limit=0, window_s=WINDOW_S)

    assert Counter.select().count() == 0


def test_old_counters_are_swept(spend, owner):
    spend()
    quota.reserve(owner.here, 1)
    pass_time(timedelta(days=3))
    spend()

    assert limits.sweep() == 1
    assert Counter.select().where(Counter.name.startswith("quota:")).count() == 1


@both
def test_crowd_on_the_last_units_gets_exactly_those(owner):
    """64 clients, one last unit."""
    tenants.set_quota(owner, "acme-inc", 10)
    gate, got = threading.Barrier(8), []

    def ask() -> None:
        with store.connection():
            gate.wait()
            for _ in range(3):
                try:
                    with store.transaction():
                        quota.reserve(owner.here, 1)
                    got.append(1)
                except TooMany:
                    got.append(0)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(got), len(got)) == (10, 24)
    assert quota.used(owner.here) == 10


@both
def test_quota_holds_a_message_whole_or_not_at_all(owner):
    tenants.set_quota(owner, "acme-inc", 10)
    quota.reserve(owner.here, 8)

    with pytest.raises(TooMany) as caught:
        quota.reserve(owner.here, 3)

    assert quota.used(owner.here) == 8
    assert caught.value.retry_after_s <= 31 * 86400
    quota.reserve(owner.here, 2)


def test_tenant_without_a_quota_is_counted_all_the_same(owner):
    quota.reserve(owner.here, 1000)

    assert quota.used(owner.here) == 1000


def test_refund_goes_to_the_month_of_the_accept(owner):
    quota.reserve(owner.here, 5)
    quota.refund(owner.here.id, 2, at=now())
    quota.refund(owner.here.id, 2, at=now() - timedelta(days=40))

    assert quota.used(owner.here) == 3


def test_rolled_back_accept_uses_nothing(owner):
    with pytest.raises(ZeroDivisionError), store.transaction():
        quota.reserve(owner.here, 5)
        raise ZeroDivisionError

    assert quota.used(owner.here) == 0


def test_months_have_their_own_quota(owner):
    tenants.set_quota(owner, "acme-inc", 5)
    quota.reserve(owner.here, 5)
    row = Counter.get(Counter.name == f"quota:{owner.here.id}")
    row.window_at -= timedelta(days=31)
    row.save()

    quota.reserve(owner.here, 5)
