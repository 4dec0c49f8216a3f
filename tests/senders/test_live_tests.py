"""A live test from the form to the words on its page, against real relays."""

from __future__ import annotations

import dataclasses
import threading
import time
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.types import Limits, Stage, StepStatus
from portal.errors import Forbidden, Invalid, Missing
from portal.sandbox.server import Sandbox
from portal.services import audit, captures, testing
from portal.store.database import connection
from portal.store.models import LiveTest

USERS = {"app": "open sesame"}


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


@pytest.fixture
def relay(sink, authority):
    """STARTTLS and a password; what a form must say to reach it."""
    it = sink(users=USERS, starttls=authority.contexts["good"])
    return it, {"host": "localhost", "port": it.port, "ca": authority.pem}


def at(view, stage: Stage):
    [step] = [step for step in view.steps if step.stage is stage]
    return step


def test_a_passed_test_ends_with_who_accepted_it_for_whom(
    both_databases, admin, owner, ask, run_tests, relay
):
    sink, where = relay
    test = ask(admin, to="kim@example.com", **where)
    run_tests()

    view = testing.read(admin, test)

    assert view.is_final
    assert view.sentence == (
        "A test message was accepted by localhost for kim@example.com."
    )
    assert {step.status for step in view.steps} == {StepStatus.OK}
    assert at(view, Stage.POST_DATA).reply.code == 250
    assert view.tls["version"].startswith("TLS")
    assert view.diagnosis is None
    [mail] = sink.mails
    assert mail.recipients == ("kim@example.com",)
    assert b"From: Acme <app@example.org>" in mail.content
    [event] = audit.events(owner, event="sender.tested").events
    assert event.actor == "admin@example.org"
    assert event.detail["status"] == "sent"
    assert event.detail["to"] == "kim@example.com"


def test_it_goes_to_the_signed_in_person_by_default(admin, ask, run_tests, relay):
    sink, where = relay
    ask(admin, **where)
    run_tests()

    assert sink.mails[0].recipients == ("admin@example.org",)


def test_a_wrong_password_stops_at_its_rung_with_a_diagnosis(
    admin, ask, run_tests, relay
):
    sink, where = relay
    test = ask(admin, password="wrong", **where)
    run_tests()

    view = testing.read(admin, test)

    assert (view.status, view.stage) == ("failed", "auth")
    failed = at(view, Stage.AUTH)
    assert (failed.status, failed.reply.code) == (StepStatus.FAILED, 535)
    assert at(view, Stage.MAIL_FROM).status is StepStatus.SKIPPED
    assert view.diagnosis["cause"] == "auth_bad_credentials"
    assert sink.mails == []
    assert "wrong" not in repr(view.transcript)


def test_a_relay_that_never_confirms_is_not_called_a_failure(
    admin, ask, run_tests, play
):
    relay = play("says_nothing_after_the_dot.txt")
    test = ask(
        admin,
        host="127.0.0.1",
        port=relay.port,
        auth="none",
        security="none",
        from_address="kim@example.org",
    )
    run_tests(limits=Limits.every(0.3, 5))

    view = testing.read(admin, test)

    assert relay.surprise is None
    assert view.status == "uncertain"
    assert "has not confirmed" in view.sentence


def test_steps_come_while_the_relay_still_thinks(admin, ask, run_tests, play):
    relay = play("says_nothing.txt")
    test = ask(admin, host="127.0.0.1", port=relay.port, auth="none", security="none")
    seen: list[testing.TestView] = []

    def watch() -> None:
        with connection():
            ends_at = time.monotonic() + 10
            while time.monotonic() < ends_at:
                view = testing.read(admin, test)
                if any(step.stage is Stage.BANNER for step in view.steps):
                    seen.append(view)
                    testing.stop(admin, test)
                    return

    watching = threading.Thread(target=watch)
    watching.start()
    run_tests()
    watching.join()

    [view] = seen
    assert view.state == "running"
    assert at(view, Stage.CONNECT).status is StepStatus.OK
    assert at(view, Stage.BANNER).status is StepStatus.RUNNING
    after = testing.read(admin, test)
    assert (after.status, after.stage) == ("stopped", "banner")
    assert after.sentence == "The test was stopped. No test message was sent."


def test_one_that_waits_is_stopped_at_once(admin, ask, run_tests, relay):
    sink, where = relay
    test = ask(admin, **where)

    testing.stop(admin, test)
    run_tests()

    assert testing.read(admin, test).status == "stopped"
    assert sink.mails == []


def test_the_sandbox_captures_the_test_of_its_tenant(
    installation, admin, stranger, ask, run_tests
):
    sandbox = Sandbox(captures.keep)
    sandbox.start()
    here = dataclasses.replace(installation, sandbox_port=lambda: sandbox.port)
    actor = dataclasses.replace(admin, installation=here)
    try:
        test = ask(actor, provider="sandbox", to="kim@example.com")
        run_tests(installation)  # a process without a sandbox leaves it alone
        assert testing.read(admin, test).state == "waiting"
        run_tests(here)
    finally:
        sandbox.stop()

    view = testing.read(admin, test)
    assert (view.status, view.captured) == ("sent", True)
    assert "nobody outside got it" in view.sentence
    [row] = captures.captures(admin)
    assert row.recipients == ("kim@example.com",)
    assert captures.captures(stranger) == []


def test_without_a_sandbox_its_test_is_refused(admin, ask):
    with pytest.raises(Invalid) as refused:
        ask(admin, provider="sandbox")

    assert refused.value.errors[0].field == "provider"


def test_a_form_with_faults_is_not_tested(admin, ask):
    with pytest.raises(Invalid) as refused:
        ask(admin, port="x", to="kim@example.com")
    with pytest.raises(Invalid) as nobody:
        ask(admin, to="kim")

    assert refused.value.errors[0].field == "port"
    assert nobody.value.errors[0].field == "to"
    assert LiveTest.select().count() == 0


def test_a_form_without_a_name_is_tested_all_the_same(admin, ask, run_tests, relay):
    _, where = relay
    test = ask(admin, name="", **where)
    run_tests()

    assert testing.read(admin, test).status == "sent"


def test_viewers_watch_and_strangers_find_nothing(
    admin, viewer, stranger, ask, save, relay
):
    _, where = relay
    test = ask(admin, **where)

    assert testing.read(viewer, test).state == "waiting"
    with pytest.raises(Forbidden):
        ask(viewer, **where)
    with pytest.raises(Forbidden):
        testing.stop(viewer, test)
    with pytest.raises(Missing):
        testing.read(stranger, test)
    with pytest.raises(Missing):
        testing.stop(stranger, test)
    with pytest.raises(Missing):
        ask(stranger, sender_id=save(admin).id, **where)


def test_a_saved_sender_is_tested_with_its_stored_secret(
    admin, ask, save, run_tests, relay
):
    sink, where = relay
    saved = save(admin, **where)

    by_form = ask(admin, sender_id=saved.id, password="", **where)
    as_saved = testing.start(
        admin, values=None, sender_id=saved.id, to=None, session_id=None
    )
    run_tests()

    views = [testing.read(admin, test) for test in (by_form, as_saved)]
    assert [view.status for view in views] == ["sent", "sent"]
    assert [view.version for view in views] == [1, 1]
    assert len(sink.mails) == 2


def test_what_a_lost_process_left_running_is_settled(admin, ask, relay, installation):
    _, where = relay
    test = ask(admin, **where)
    job = testing.claim(installation, "gone")
    long_ago = LiveTest.get().started_at - 2 * testing.running.LOST_AFTER
    LiveTest.update(started_at=long_ago).execute()

    testing.tidy(installation)

    view = testing.read(admin, test)
    assert job is not None
    assert (view.status, view.is_final) == ("failed", True)
    assert "has ended" in view.sentence
    assert not testing.progress(job, [])


def test_two_engines_take_one_test_once(
    both_databases, admin, ask, relay, installation
):
    _, where = relay
    ask(admin, **where)

    jobs = [testing.claim(installation, name) for name in ("one", "two")]

    assert [job is None for job in jobs] == [False, True]


def test_a_test_whose_secret_was_altered_ends_and_says_so(admin, ask, run_tests, relay):
    sink, where = relay
    tests = [ask(admin, **where), ask(admin, **where)]
    first, second = (LiveTest.get(LiveTest.public_id == test) for test in tests)
    LiveTest.update(sealed=second.sealed).where(LiveTest.id == first.id).execute()

    run_tests()

    views = [testing.read(admin, test) for test in tests]
    assert [view.status for view in views] == ["failed", "sent"]
    assert "does not open" in views[0].sentence
    assert len(sink.mails) == 1
