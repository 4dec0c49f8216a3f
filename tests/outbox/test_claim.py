"""Lines 3 and 4: who may take a mail, what the attempt remembers, how long."""

from __future__ import annotations

import pytest

from portal.services.outbox.claim import MOST_RECIPIENTS
from portal.services.outbox.lanes import Lane, Means, Room
from portal.services.senders.kinds import RouteKind
from portal.store.fields import now
from portal.store.models import Attempt, Message, Recipient, Route

pytestmark = pytest.mark.usefixtures("both_databases")


def test_a_claim_takes_what_is_due_and_remembers_version_and_fence(desk):
    message = desk.message("a@example.com", "b@example.com")

    attempt = desk.claim()

    assert attempt.number == 1
    assert attempt.fence == Route.get().fence
    assert attempt.lane == Lane(route=RouteKind.SENDER, version_id=desk.version.id)
    assert [target.address for target in attempt.targets] == [
        "a@example.com",
        "b@example.com",
    ]
    assert desk.states(message) == ["sending", "sending"]
    assert [row.token for row in desk.recipients(message)] == [1, 1]
    assert desk.state(message) == "sending"
    row = desk.attempt(attempt)
    assert (row.owner, row.dot_at, row.answer) == ("worker-1", None, None)
    assert row.lease_until > now()


def test_a_claimed_message_is_not_claimed_again(desk):
    desk.message()
    desk.claim()

    assert desk.claim_all(owner="worker-2") == []


def test_a_hand_over_is_claimed_by_the_same_guard(desk):
    """Or another worker would claim it too, and two copies go out (hole 8)."""
    message = desk.message()
    desk.claim(message)

    assert desk.claim_all(message, owner="worker-2") == []


@pytest.mark.parametrize(
    "change",
    [
        {"next_at": 4_000_000_000_000_000},
        {"cancel_asked": True},
        {"state": "uncertain"},
        {"state": "sent"},
    ],
)
def test_what_is_not_due_is_left(desk, change):
    message = desk.message()
    Recipient.update(change).execute()

    assert desk.claim_all() == []
    assert desk.claim_all(message) == []


def test_only_the_due_recipients_of_a_message_are_taken(desk):
    message = desk.message("a@example.com", "b@example.com")
    Recipient.update(state="sent").where(Recipient.position == 0).execute()

    attempt = desk.claim()

    assert [target.address for target in attempt.targets] == ["b@example.com"]
    assert desk.states(message) == ["sent", "sending"]


def test_numbers_of_attempts_grow_and_are_never_reused(desk):
    message = desk.message()
    desk.release(desk.claim())

    assert desk.claim().number == 2
    assert Message.get_by_id(message.id).attempts == 2


def test_a_lane_takes_no_more_than_there_is_room(desk):
    for _ in range(3):
        desk.message()
    lane = Lane(route=RouteKind.SENDER, version_id=desk.version.id)

    found = desk.claim_all(room=Room(total=10, each=10, left={lane: 2}))

    assert len(found) == 2


def test_a_handed_over_message_without_room_stays_queued(desk):
    message = desk.message()
    lane = Lane(route=RouteKind.SENDER, version_id=desk.version.id)

    assert desk.claim_all(message, room=Room(total=9, each=9, left={lane: 0})) == []
    assert desk.states(message) == ["queued"]


def test_tenants_take_turns(desk, make):
    """One that has queued a hundred does not stand before one that has queued one."""
    other = make.tenant("Other Ltd")
    make.sender(other)
    for _ in range(20):
        desk.message()
    small = make.message(other)

    found = desk.claim_all(room=Room(total=4, each=4))

    assert small.id in {attempt.message_id for attempt in found}


def test_without_any_route_nothing_is_claimed(desk):
    desk.message()
    Route.update(active_version=None).execute()

    assert desk.claim_all() == []


def test_the_platform_default_carries_what_has_no_sender(desk):
    desk.message()
    Route.update(active_version=None).execute()

    (attempt,) = desk.claim_all(means=Means(platform=True, sandbox=True))

    assert attempt.lane == Lane(route=RouteKind.PLATFORM, version_id=None)


def test_a_captured_mail_says_so(desk, make):
    message = desk.message()
    make.sender(desk.tenant, provider="sandbox")

    (attempt,) = desk.claim_all(means=Means(platform=True, sandbox=True))

    assert attempt.lane.captured
    assert Message.get_by_id(message.id).captured


def test_a_process_without_sandbox_leaves_mail_for_the_sandbox(desk, make):
    desk.message()
    make.sender(desk.tenant, provider="sandbox")

    assert desk.claim_all(means=Means(platform=True, sandbox=False)) == []


def test_many_recipients_are_claimed_in_portions(desk):
    desk.message(*(f"r{number}@example.com" for number in range(MOST_RECIPIENTS + 5)))

    assert len(desk.claim().targets) == MOST_RECIPIENTS
    assert len(desk.claim().targets) == 5


def test_a_heartbeat_renews_the_lease(desk):
    desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=1).execute()

    assert desk.heartbeat(attempt) == {attempt.attempt_id}
    assert desk.attempt(attempt).lease_until > now()


def test_a_heartbeat_never_revives_another_state(desk):
    desk.message()
    attempt = desk.claim()
    desk.lease_ends(attempt)

    assert desk.heartbeat(attempt) == frozenset()
    assert desk.attempt(attempt).lease_until is None
