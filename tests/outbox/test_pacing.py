"""A sender's limits: what is beyond them waits, without an attempt, and says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.services import sending
from portal.services.outbox import schedule
from portal.services.outbox.lanes import Means, Room
from portal.store.fields import now
from portal.store.models import Counter, Route, Standing

pytestmark = pytest.mark.usefixtures("both_databases")

PLATFORM = Means(platform=True, sandbox=False, per_hour=3)


def paced(desk, **pacing):
    return desk.make.sender(desk.tenant, pacing={"max_connections": 4, **pacing})


def pass_time(by: timedelta) -> None:
    for row in Counter.select():
        row.window_at -= by
        row.save()
    Standing.update(held_until=None).execute()


@pytest.mark.parametrize("limit", ["per_minute", "per_hour", "per_day"])
def test_what_is_beyond_a_limit_waits_without_an_attempt(desk, limit):
    paced(desk, **{limit: 2})
    messages = [desk.message() for _ in range(3)]

    assert len(desk.claim_all()) == 2
    assert desk.claim_all(owner="worker-2") == []

    waiting = [row for row in messages if desk.states(row) == ["queued"]]
    assert len(waiting) == 1
    (recipient,) = desk.recipients(waiting[0])
    assert (recipient.tries, recipient.token) == (0, 0)


def test_the_window_slides_open_again(desk):
    paced(desk, per_minute=2)
    for _ in range(3):
        desk.message()
    assert len(desk.claim_all()) == 2

    pass_time(timedelta(minutes=2))

    assert len(desk.claim_all()) == 1


def test_recipients_count_and_a_large_mail_goes_in_portions(desk):
    paced(desk, per_hour=3)
    message = desk.message(*(f"r{number}@example.com" for number in range(5)))

    (first,) = desk.claim_all()
    assert len(first.targets) == 3
    assert desk.claim_all() == []
    assert desk.states(message).count("queued") == 2

    pass_time(timedelta(hours=2))
    (second,) = desk.claim_all()
    assert len(second.targets) == 2


def test_who_asks_is_told_until_when_and_why(desk, viewer):
    paced(desk, per_hour=1)
    desk.message()
    second = desk.message()
    desk.claim_all()
    desk.claim_all()

    shown = sending.read(viewer, second.public_id).recipients[0]

    assert (shown.status, shown.waits_for) == ("queued", "pace")
    assert shown.next_at > now() + timedelta(minutes=1)
    assert schedule.pending().due  # it is looked at again each second


def test_a_limit_is_of_the_sender_not_of_its_version(desk):
    version = paced(desk, per_hour=1)
    desk.message()
    desk.message()
    assert len(desk.claim_all()) == 1
    version.number, version.id = 2, None
    version.save(force_insert=True)
    Route.update(active_version=version, fence=Route.fence + 1).execute()

    assert desk.claim_all() == []


def test_another_sender_is_not_held_back(desk, make):
    paced(desk, per_hour=1)
    other = make.tenant("Other Ltd")
    make.sender(other)
    for _ in range(3):
        desk.message()
        make.message(other)

    found = desk.claim_all()

    assert [each.tenant_id for each in found].count(other.id) == 3
    assert len(found) == 4


def test_the_platform_default_has_one_hourly_cap_for_all(desk, make):
    Route.update(active_version=None).execute()
    other = make.tenant("Other Ltd")
    for _ in range(5):
        desk.message()
    trickle = make.message(other)

    found = desk.claim_all(means=PLATFORM)

    assert len(found) == 3
    assert trickle.id in {each.message_id for each in found}
    assert desk.claim_all(means=PLATFORM) == []


def test_on_a_shared_lane_each_tenant_has_its_turn(desk, make):
    """One that floods does not stand before one that trickles, whatever is first."""
    Route.update(active_version=None).execute()
    for _ in range(50):
        desk.message()
    other = make.tenant("Other Ltd")
    means = Means(platform=True, sandbox=False)
    for _ in range(5):
        trickle = make.message(other)
        found = desk.claim_all(means=means, room=Room(total=2, each=2))
        assert trickle.id in {each.message_id for each in found}
        assert found.more


def test_a_hand_over_is_held_back_like_any(desk):
    paced(desk, per_hour=1)
    first, second = desk.message(), desk.message()

    assert len(desk.claim_all(first, second)) == 1
    assert desk.claim_all(second) == []


def test_a_claim_says_whether_only_room_was_lacking(desk):
    desk.message()
    desk.message()

    assert desk.claim_all(room=Room(total=1, each=1)).more
    assert not desk.claim_all().more
    assert not desk.claim_all().more
