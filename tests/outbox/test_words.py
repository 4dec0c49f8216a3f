"""The state of a message, the pauses between tries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.services.outbox.states import derive
from portal.services.outbox.timing import Timing

STEADY = Timing(jitter=0)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (["sent"], "sent"),
        (["sent", "sent"], "sent"),
        (["sent", "failed"], "partial"),
        (["sent", "expired", "cancelled"], "partial"),
        (["sent", "deferred"], "deferred"),
        (["sent", "uncertain"], "uncertain"),
        (["sending", "queued", "deferred"], "sending"),
        (["queued", "deferred", "uncertain"], "queued"),
        (["deferred", "uncertain"], "deferred"),
        (["failed", "expired"], "failed"),
        (["expired", "cancelled"], "expired"),
        (["cancelled"], "cancelled"),
    ],
)
def test_a_message_is_what_its_least_settled_recipient_is(states, message):
    assert derive(states) == message


@pytest.mark.parametrize(
    ("kind", "pauses"),
    [
        ("otp", [5, 15, 45, 120, 240, 240]),
        ("notification", [60, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800]),
    ],
)
def test_pauses_grow_by_kind_and_stay_at_the_last(kind, pauses):
    found = [STEADY.pause(kind, tries) for tries in range(1, len(pauses) + 1)]

    assert found == [timedelta(seconds=pause) for pause in pauses]


def test_a_greylist_is_given_its_five_minutes():
    assert STEADY.pause("otp", 1, greylisted=True) == timedelta(minutes=5)
    assert STEADY.pause("other", 4, greylisted=True) == timedelta(minutes=30)


def test_pauses_are_shaken_by_a_fifth():
    found = {Timing().pause("other", 1).total_seconds() for _ in range(200)}

    assert len(found) > 1
    assert min(found) >= 48
    assert max(found) <= 72


def test_an_urgent_mail_without_answer_is_retried_soon():
    assert STEADY.uncertain_pause("otp") == timedelta(seconds=30)
    assert STEADY.uncertain_pause("invitation") == timedelta(minutes=15)
