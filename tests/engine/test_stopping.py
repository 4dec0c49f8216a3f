"""The end of an engine and the start of the next: nothing lost, nothing twice."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portal.services.outbox import owners
from portal.store.models import Attempt, Route
from tests.engine.conftest import PATIENT, until

SILENT_AT_MAIL = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250 relay.test
C: MAIL FROM:<kim@example.org>*
! silence
"""
# A process that claims a mail like an engine, and is killed before it sends.
DIES = """
import os, signal, sys
from functools import partial
from pathlib import Path
from portal.config import Settings
from portal.services.outbox.claim import claim
from portal.services.outbox.lanes import Means, Room
from portal.services.outbox.owners import Life
from portal.services.outbox.timing import Timing
from portal.store.database import attach
from portal.store.models import proxy

folder = Path(sys.argv[1])
attach(Settings(instance=folder, database_url=sys.argv[2] or None))
proxy.connect()
life = Life(folder, "dies")
life.hold()
with proxy.atomic():
    claim(
        owner="dies",
        means=Means(platform=False, sandbox=False),
        room=Room(total=1, each=1),
        timing=Timing(),
    )
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_under_way_may_end(engine, post, sink):
    post.through(sink())
    running = engine(PATIENT)
    messages = [post.mail() for _ in range(5)]

    assert running.stop(grace_s=10)

    done = [post.states(message) for message in messages]
    assert all(states in (["sent"], ["queued"]) for states in done)
    assert Attempt.select().where(Attempt.ended_at.is_null()).count() == 0


def test_what_has_no_mark_is_queued_again_without_a_try(engine, post, play):
    relay = play(SILENT_AT_MAIL)
    post.through(relay)
    running = engine(PATIENT)
    messages = [post.mail() for _ in range(6)]  # more than there are connections
    until(lambda: len(relay.commands) >= 8)

    running.stop(grace_s=0.1)

    for message in messages:
        assert post.states(message) == ["queued"]
        assert post.recipients(message)[0].tries == 0
    assert Attempt.select().where(Attempt.ended_at.is_null()).count() == 0


def test_a_dot_without_answer_at_the_end_leaves_nobody_knowing(engine, post, play):
    relay = play("says_nothing_after_the_dot.txt")
    post.through(relay)
    running = engine(PATIENT)
    message = post.mail()
    until(lambda: relay.contents)

    assert not running.stop(grace_s=0.1)

    assert post.states(message) == ["uncertain"]


def test_a_stopped_engine_is_followed_by_another(engine, post, sink):
    relay = sink()
    engine(PATIENT).stop(grace_s=1)
    post.through(relay)
    message = post.mail()

    engine(PATIENT)

    post.until(message, "sent")


def test_an_engine_can_be_stopped_twice(engine):
    running = engine()

    assert running.stop(grace_s=0.1)
    assert running.stop(grace_s=0.1)
    assert not running.is_running


@pytest.mark.usefixtures("both_databases")
def test_the_mail_of_a_killed_process_is_sent_at_once(engine, post, sink, settings):
    """Its lease had two minutes left."""
    relay = sink()
    post.through(relay)
    message = post.make.message(post.tenant)
    database = settings.database_url or ""
    subprocess.run([sys.executable, "-c", DIES, str(settings.instance), database])
    assert post.states(message) == ["sending"]

    engine(PATIENT)

    post.until(message, "sent")
    assert [row.outcome for row in post.attempts(message)] == ["lost", "sent"]
    assert len(relay.mails) == 1


def test_an_orderly_end_leaves_no_lock_file(engine, settings):
    running = engine()
    until(lambda: list(settings.instance.glob("engine-*.lock")))

    running.stop(grace_s=1)

    assert not list(settings.instance.glob("engine-*.lock"))


def test_an_engine_says_that_it_is_well(engine):
    running = engine()

    until(running.is_well)
    running.stop(grace_s=0.1)

    assert not running.is_well()


def test_two_engines_on_one_database_send_each_mail_once(engine, post, sink):
    relay = sink()
    post.through(relay)
    messages = [post.make.message(post.tenant) for _ in range(30)]

    engine(PATIENT)
    engine(PATIENT)

    for message in messages:
        post.until(message, "sent")
    assert len(relay.mails) == 30


@pytest.mark.usefixtures("both_databases")
def test_many_mails_of_two_tenants_all_arrive_once(engine, post, sink, make):
    relay = sink()
    post.through(relay)
    other = make.tenant("Other Ltd")
    make.sender(other, host=relay.host, port=relay.port)
    engine(PATIENT)

    messages = [post.mail(f"r{number}@example.com") for number in range(40)]
    messages += [make.message(other, to=[f"o{n}@example.com"]) for n in range(10)]
    post.make.installation.bell.ring()

    for message in messages:
        post.until(message, "sent")
    arrived = sorted(mail.recipients[0] for mail in relay.mails)
    assert len(arrived) == len(set(arrived)) == 50


def test_idle_connections_of_a_replaced_version_are_closed(engine, post, play):
    relay = play("accepts_two_mails.txt")
    post.through(relay)
    engine(PATIENT)
    message = post.mail()
    post.until(message, "sent")
    assert "QUIT" not in relay.commands

    Route.update(active_version=None, fence=Route.fence + 1).execute()

    until(lambda: "QUIT" in relay.commands)


def test_one_that_lives_is_not_dead(engine, settings):
    engine()

    assert owners.dead(["engine-1"], settings.instance, me="me") == frozenset()
