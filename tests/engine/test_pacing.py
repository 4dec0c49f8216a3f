"""Pace through a real relay: what it asks for, and how a queue comes back."""

from __future__ import annotations

import dataclasses

import pytest

from portal.engine.lane import LaneState
from portal.engine.release import LEAST_PER_S, Meter, Release
from portal.services.outbox.lanes import Lane
from portal.services.outbox.timing import Timing
from portal.services.senders.kinds import RouteKind
from portal.store.models import Standing
from tests.engine.conftest import PATIENT, QUICK, until
from tests.relays.sink import Sink


@dataclasses.dataclass
class Strict(Sink):
    """Takes `takes` mails, then asks for less so many times, then takes all."""

    takes: int = 2
    complaints: int = 1
    asked: int = 0

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        self.asked += 1
        if len(self.mails) >= self.takes and self.complaints:
            self.complaints -= 1
            return "450 4.7.1 Error: too much mail, slow down"
        return await super().handle_MAIL(server, session, envelope, address, options)


@pytest.mark.usefixtures("both_databases")
def test_a_relay_that_asks_for_less_is_given_less_and_nothing_fails(engine, post):
    with Strict() as relay:
        post.through(relay, pacing={"max_connections": 1})
        engine(dataclasses.replace(QUICK, throttle_s=(0.2,)))

        messages = [post.mail() for _ in range(8)]

        for message in messages:
            post.until(message, "sent")
        assert len(relay.mails) == 8
        assert relay.asked == 9
        tries = sorted(post.recipients(message)[0].tries for message in messages)
        assert tries == [0] * 7 + [1]
        assert Standing.get(Standing.name.startswith("sender")).share == 50


def test_while_the_sender_is_held_nothing_is_tried(engine, post):
    with Strict(takes=0, complaints=100) as relay:
        post.through(relay, pacing={"max_connections": 1})
        engine(dataclasses.replace(PATIENT, throttle_s=(3600,)))

        messages = [post.mail() for _ in range(6)]

        until(lambda: "deferred" in [post.states(each)[0] for each in messages])
        until(
            lambda: (
                sorted(post.states(each)[0] for each in messages)
                == ["deferred"] + ["queued"] * 5
            )
        )
        assert relay.asked == 1


def test_a_limit_a_minute_holds_at_the_relay(engine, post, sink):
    relay = sink()
    post.through(relay, pacing={"max_connections": 4, "per_minute": 3})
    engine()

    messages = [post.mail() for _ in range(5)]

    until(lambda: [post.states(each)[0] for each in messages].count("sent") == 3)
    until(lambda: Standing.get_or_none(Standing.held_until.is_null(False)))
    waiting = [each for each in messages if post.states(each) == ["queued"]]
    assert len(waiting) == 2
    assert all(not post.attempts(each) for each in waiting)
    assert len(relay.mails) == 3


def test_a_queue_comes_back_at_a_fifth_and_doubles_each_minute():
    release = Release(100, Timing(), at=0)
    assert release.room(0) == 1

    first_minute, second_minute = release.room(60), release.room(120)

    assert 20 * 60 < first_minute < 40 * 60  # from 20 to 40 a second
    assert 40 * 60 < second_minute - first_minute < 80 * 60
    for _ in range(first_minute):
        release.begin()
    assert release.room(60) == 0
    assert not release.is_over(120)
    assert release.is_over(140)  # 100 a second again


def test_the_rate_is_measured_over_the_best_ten_seconds():
    meter = Meter()
    assert meter.per_s == LEAST_PER_S
    for number in range(600):
        meter.count(100 + number / 60)  # 60 a second
    meter.count(130)

    assert 50 <= meter.per_s <= 60


def test_a_lane_begins_again_with_one_mail():
    lane = LaneState(Lane(route=RouteKind.SENDER, version_id=1), Timing(breaker_s=(0,)))
    assert lane.room == 16
    lane.breaker.tripped()
    assert lane.room == 1  # the probe

    lane.works()

    assert 1 <= lane.room <= 2
    lane.begin(100)
    lane.end()
    assert lane.room <= 1


def test_a_smaller_share_means_fewer_connections():
    lane = LaneState(Lane(route=RouteKind.SENDER, version_id=1), Timing())
    lane.begin(50)

    assert lane.connections == 2
    lane.begin(5)
    assert lane.connections == 1
    lane.begin(100)
    assert lane.connections == 4
