"""Lines 13 and 14: what a dead or lost worker leaves behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from portal.services.outbox import owners, recovery, schedule
from portal.services.outbox.verdict import Answer
from portal.store.fields import now
from portal.store.models import Attempt, Recipient, proxy
from tests.engine.conftest import until
from tests.outbox.conftest import DEFERRED

# A process that lives until it is killed.
LIVE = """
import sys, threading
from pathlib import Path
from portal.config import Settings
from portal.services.outbox.owners import Life
from portal.store.database import attach
from portal.store.models import proxy

folder = Path(sys.argv[1])
attach(Settings(instance=folder, database_url=sys.argv[2] or None))
proxy.connect()
life = Life(folder, "child")
life.hold()
print("alive", flush=True)
threading.Event().wait()
"""

pytestmark = pytest.mark.usefixtures("both_databases")


def test_line_13_without_a_mark_the_mail_is_queued_at_once(desk):
    message = desk.message()
    attempt = desk.claim()

    assert desk.lease_ends(attempt) == 1

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.tries) == ("queued", 0)
    assert recipient.next_at <= now()
    assert desk.attempt(attempt).answer == "not_kept"
    assert desk.events(message) == ["email.requeued"]


def test_line_13_from_the_second_time_with_a_pause(desk):
    """A mail that kills its process at each attempt is not taken up for ever."""
    message = desk.message()
    desk.lease_ends(desk.claim())
    desk.lease_ends(desk.claim())

    (recipient,) = desk.recipients(message)
    assert recipient.recovered == 2
    assert recipient.next_at > now()
    assert recipient.state == "queued"


def test_line_14_with_a_mark_nobody_knows(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)

    assert desk.lease_ends(attempt) == 1

    (recipient,) = desk.recipients(message)
    assert (recipient.state, recipient.uncertain_count) == ("uncertain", 1)
    assert desk.attempt(attempt).answer is None  # the dot stays open
    assert desk.events(message) == ["email.uncertain"]


def test_line_14_what_rcpt_refused_is_not_uncertain(desk):
    """Its result was written with the mark (hole 3)."""
    message = desk.message("a@example.com", "b@example.com")
    attempt = desk.claim()
    desk.mark(attempt, refused={attempt.targets[1].id: DEFERRED})

    desk.lease_ends(attempt)

    assert desk.states(message) == ["uncertain", "deferred"]


def test_a_living_lease_is_not_recovered(desk):
    """A start does not take what another worker is sending (hole 9)."""
    message = desk.message()
    desk.mark(desk.claim())

    assert desk.recover(by_lease=True) == 0
    assert desk.states(message) == ["sending"]


def test_what_this_process_holds_is_not_recovered(desk):
    desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=1).execute()

    assert desk.recover(by_lease=True, held=[attempt.attempt_id]) == 0


def test_after_a_clock_jump_no_lease_counts(desk):
    desk.message()
    desk.claim()
    Attempt.update(lease_until=1).execute()

    assert desk.recover(by_lease=False) == 0


def test_a_renewed_lease_stops_a_recovery_under_way(desk):
    """Found as ended, renewed meanwhile, asked again under the lock."""
    message = desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=1).execute()
    found = recovery.ended(dead=(), by_lease=True, held=())
    desk.heartbeat(attempt)

    count = desk.run(
        lambda: recovery.recover(desk.engine, found, dead=(), timing=desk.timing)
    )

    assert count == 0
    assert desk.states(message) == ["sending"]


def test_the_rows_of_a_dead_owner_are_recovered_at_once(desk):
    message = desk.message()
    desk.claim(owner="dead")

    assert desk.recover(dead=["dead"]) == 1
    assert desk.states(message) == ["queued"]


def test_an_ended_attempt_is_not_recovered_again(desk):
    message = desk.message()
    attempt = desk.claim()
    desk.mark(attempt)
    desk.record(attempt, Answer.NONE)

    assert desk.recover(dead=["worker-1"], by_lease=True) == 0
    assert desk.events(message) == ["email.uncertain"]


def test_a_lease_years_ahead_is_cut(desk):
    """A clock set back must not leave mail in `sending` for years (hole 10)."""
    desk.message()
    attempt = desk.claim()
    Attempt.update(lease_until=9_000_000_000_000_000).execute()

    assert desk.run(lambda: schedule.clamp(desk.timing)) == 1
    assert desk.attempt(attempt).lease_until < now() + 2 * desk.timing.lease


def test_a_wait_years_ahead_is_cut_but_scheduled_mail_is_never_early(desk):
    late, meant = desk.message(), desk.message(scheduled_at=8_000_000_000_000_000)
    Recipient.update(next_at=8_000_000_000_000_000).execute()

    desk.run(lambda: schedule.clamp(desk.timing))

    assert desk.recipients(late)[0].next_at < now() + 2 * desk.timing.furthest
    assert desk.recipients(meant)[0].next_at.year > 2200


def test_an_owner_is_alive_while_it_holds_its_lock(desk, settings):
    life = owners.Life(settings.instance, "other")
    assert life.hold()
    assert life.hold()
    assert owners.dead(["other"], settings.instance, me="me") == frozenset()

    life.drop(settled=False)

    until(lambda: owners.dead(["other"], settings.instance, me="me") == {"other"})


def test_a_lock_that_the_server_forgot_is_taken_again(desk, settings, both_databases):
    """As after a restart of PostgreSQL."""
    if both_databases == "sqlite":
        pytest.skip("A file stays locked.")
    life = owners.Life(settings.instance, "other")
    assert life.hold()
    proxy.execute_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    )

    until(life.hold)

    assert owners.dead(["other"], settings.instance, me="me") == frozenset()
    life.drop(settled=True)


def test_a_killed_process_is_dead_at_once(desk, settings, both_databases):
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            LIVE,
            str(settings.instance),
            settings.database_url or "",
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "alive\n"
            assert owners.dead(["child"], settings.instance, me="me") == frozenset()
        finally:
            child.kill()

    until(lambda: owners.dead(["child"], settings.instance, me="me") == {"child"})
    files = list(settings.instance.glob("engine-*.lock"))
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    owners.forget(["child"], settings.instance)
    assert not list(settings.instance.glob("engine-*.lock"))


def test_one_never_holds_itself_for_dead(desk, settings):
    assert owners.dead(["me"], settings.instance, me="me") == frozenset()


def test_owners_of_open_attempts_are_known(desk):
    desk.message()
    desk.claim(owner="worker-7")

    assert recovery.owners() == {"worker-7"}
