"""Sessions live in the database: they end by themselves, and by one's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.errors import Missing
from portal.services import accounts, people, sessions
from portal.store.fields import now
from portal.store.models import BrowserSession, Person
from tests.people import PASSWORD

HERE = "192.0.2.1"


@pytest.fixture
def begin(installation, owner):
    def enter(email="owner@example.org"):
        return accounts.sign_in(
            installation, email=email, password=PASSWORD, ip=HERE, user_agent="B" * 400
        )

    return enter


def age(**columns: timedelta) -> None:
    for row in BrowserSession.select():
        for name, by in columns.items():
            setattr(row, name, getattr(row, name) - by)
        row.save()


@pytest.mark.usefixtures("both_databases")
def test_unknown_token_is_nobody(installation, begin):
    begin()

    assert accounts.resume(installation, "x", HERE) is None
    assert accounts.resume(installation, "", HERE) is None


def test_idle_session_ends_after_half_an_hour(installation, begin):
    token = begin().token

    age(seen_at=timedelta(minutes=29))
    assert accounts.resume(installation, token, HERE) is not None
    age(seen_at=timedelta(minutes=31))
    assert accounts.resume(installation, token, HERE) is None


def test_busy_session_ends_after_half_a_day(installation, begin):
    token = begin().token

    age(ends_at=timedelta(hours=12))

    assert accounts.resume(installation, token, HERE) is None


def test_visit_is_noted_at_most_once_a_minute(installation, begin):
    """Reading a page should not write."""
    token = begin().token
    before = BrowserSession.get().seen_at

    accounts.resume(installation, token, HERE)
    assert BrowserSession.get().seen_at == before

    age(seen_at=timedelta(minutes=2))
    accounts.resume(installation, token, "192.0.2.9")
    assert BrowserSession.get().seen_at > before
    assert BrowserSession.get().ip == "192.0.2.9"


def test_sign_out_ends_this_session_alone(installation, begin):
    here, elsewhere = begin(), begin()

    accounts.sign_out(here.actor)

    assert accounts.resume(installation, here.token, HERE) is None
    assert accounts.resume(installation, elsewhere.token, HERE) is not None


def test_own_sessions_are_listed(begin):
    begin()
    here = begin()

    shown = accounts.sessions(here.actor)

    assert [view.current for view in shown] == [True, False]
    assert shown[0].ip == HERE
    assert shown[0].user_agent == "B" * 300


def test_own_session_is_revoked(installation, begin):
    here, elsewhere = begin(), begin()

    accounts.revoke(here.actor, elsewhere.actor.session_id)

    assert accounts.resume(installation, elsewhere.token, HERE) is None


def test_others_sessions_are_revoked_together(installation, begin):
    here, elsewhere = begin(), begin()

    assert accounts.revoke_others(here.actor) == 1
    assert accounts.resume(installation, here.token, HERE) is not None
    assert accounts.resume(installation, elsewhere.token, HERE) is None


def test_strangers_session_is_missing(begin, stranger, installation):
    here, theirs = begin(), begin("stranger@example.net")

    with pytest.raises(Missing):
        accounts.revoke(here.actor, theirs.actor.session_id)
    assert accounts.resume(installation, theirs.token, HERE) is not None
    assert [view.id for view in accounts.sessions(here.actor)] == [
        here.actor.session_id
    ]


def test_disabled_person_is_signed_out_at_once(installation, begin, viewer, owner):
    token = begin("viewer@example.org").token
    people.disable(replace(owner, tenant=None), "viewer@example.org")

    assert accounts.resume(installation, token, HERE) is None
    assert Person.get(email="viewer@example.org").disabled_at <= now()


def test_ended_sessions_are_swept_and_living_ones_stay(begin):
    begin()
    age(seen_at=timedelta(minutes=31))
    living = begin()

    assert sessions.sweep() == 1
    assert [row.id for row in BrowserSession.select()] == [living.actor.session_id]
