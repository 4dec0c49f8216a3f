"""Sign-in: one answer for every failure, and five of them."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta

import pytest

from portal.errors import Invalid, TooMany, Unauthenticated
from portal.services import accounts, audit
from portal.services.actor import Actor
from portal.store.fields import now
from portal.store.models import BrowserSession, Counter, Person
from tests.people import PASSWORD

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def kim(make) -> Person:
    return make.person("kim@example.org")


@pytest.fixture
def sign_in(installation):
    def enter(password=PASSWORD, email="kim@example.org", ip=HERE):
        return accounts.sign_in(
            installation, email=email, password=password, ip=ip, user_agent="Browser"
        )

    return enter


def fail(sign_in, times, **who) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            sign_in("wrong password", **who)


@pytest.mark.usefixtures("both_databases")
def test_right_password_begins_a_session(kim, sign_in, installation):
    signed_in = sign_in()

    assert signed_in.actor.person.email == "kim@example.org"
    resumed = accounts.resume(installation, signed_in.token, HERE)
    assert resumed.actor == signed_in.actor
    assert resumed.csrf == signed_in.csrf


def test_address_is_read_in_any_case(kim, sign_in):
    assert sign_in(email=" Kim@Example.ORG ").actor.person.id == kim.id


def test_every_sign_in_has_a_token_of_its_own(kim, sign_in):
    first, second = sign_in(), sign_in()

    assert first.token != second.token
    assert first.csrf != second.csrf


def test_token_is_kept_as_a_fingerprint(kim, sign_in):
    token = sign_in().token

    assert token not in (BrowserSession.get().token_hash, BrowserSession.get().csrf)


def test_unknown_person_reads_what_a_wrong_password_reads(kim, sign_in):
    with pytest.raises(Unauthenticated) as wrong:
        sign_in("wrong password")
    with pytest.raises(Unauthenticated) as unknown:
        sign_in("wrong password", email="nobody@example.org")

    assert wrong.value.sentence == unknown.value.sentence


def test_unknown_person_waits_as_long(kim, sign_in):
    """Both verify a hash; without one the answer comes in a tenth of the time.

    Counted is this thread's own work: a busy machine does not lengthen that.
    """

    def shortest(email: str) -> float:
        times = []
        for number in range(4):
            begun = time.thread_time()
            fail(sign_in, 1, email=email, ip=f"192.0.2.{number + 10}")
            times.append(time.thread_time() - begun)
        return min(times)

    known, unknown = shortest("kim@example.org"), shortest("nobody@example.org")

    assert 0.5 < unknown / known < 2


def test_disabled_person_does_not_enter(kim, sign_in):
    Person.update(disabled_at=now()).execute()

    with pytest.raises(Unauthenticated):
        sign_in()


@pytest.mark.usefixtures("both_databases")
def test_sixth_failure_waits_even_with_the_right_password(kim, sign_in):
    fail(sign_in, 5)

    with pytest.raises(TooMany) as caught:
        sign_in()

    assert 0 < caught.value.retry_after_s <= 30 * 60
    assert "Try again in" in caught.value.sentence


def test_another_address_is_not_locked_out(kim, sign_in):
    """Else a stranger could lock a person out by failing on their behalf."""
    fail(sign_in, 5)

    assert sign_in(ip=THERE).actor.person.id == kim.id


def test_unknown_person_is_limited_like_a_known_one(kim, sign_in):
    """The sixth answer must not tell the two apart either."""
    fail(sign_in, 5, email="nobody@example.org")

    with pytest.raises(TooMany):
        sign_in("wrong password", email="nobody@example.org")


def test_one_address_cannot_try_every_account(kim, sign_in):
    for number in range(30):
        fail(sign_in, 1, email=f"p{number}@example.org")

    with pytest.raises(TooMany):
        sign_in("wrong password", email="p99@example.org")


def test_success_forgives_the_failures_before_it(kim, sign_in):
    for _ in range(3):
        fail(sign_in, 4)
        sign_in()

    assert sign_in().actor.person.id == kim.id


def test_failures_are_forgotten_after_a_while(kim, sign_in):
    fail(sign_in, 5)
    for row in Counter.select():
        row.window_at -= timedelta(minutes=45)
        row.save()

    assert sign_in().actor.person.id == kim.id


def test_limits_can_be_switched_off(kim, installation):
    free = dataclasses.replace(
        installation, settings=dataclasses.replace(installation.settings, limits=False)
    )
    for _ in range(7):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(
                free, email=kim.email, password="wrong", ip=HERE, user_agent=""
            )


def test_both_are_audited_for_people_who_exist(kim, sign_in, installation):
    """A stranger may have typed a password where the address belongs."""
    fail(sign_in, 1)
    fail(sign_in, 1, email="hunter2")
    sign_in()

    events = audit.events(Actor(installation=installation, system="test")).events
    assert [event.event for event in events] == [
        "user.signed_in",
        "user.sign_in_failed",
    ]
    assert {event.ip for event in events} == {HERE}
    assert "hunter2" not in str(events)


def test_own_password_is_changed_and_ends_the_other_sessions(
    kim, sign_in, installation
):
    here, elsewhere = sign_in(), sign_in()

    accounts.change_password(here.actor, old=PASSWORD, new="a whole new sentence")

    assert accounts.resume(installation, here.token, HERE) is not None
    assert accounts.resume(installation, elsewhere.token, HERE) is None
    assert sign_in("a whole new sentence").actor.person.id == kim.id


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("wrong", "a whole new sentence", "old"), (PASSWORD, "short", "new")],
)
def test_password_change_names_the_wrong_field(kim, sign_in, old, new, field):
    actor = sign_in().actor

    with pytest.raises(Invalid) as caught:
        accounts.change_password(actor, old=old, new=new)

    assert [error.field for error in caught.value.errors] == [field]
    assert sign_in().actor.person.id == kim.id
