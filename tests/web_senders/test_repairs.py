"""Repairs in the browser, and the secret that is lent to them."""

from __future__ import annotations

from tests.browsing import Visitor
from tests.web_senders.conftest import BASE, NEW, SECRET, SIGNED_IN, START
from tests.web_senders.reading import chosen, started, words


def test_a_repair_edits_the_form_and_tests_again(
    as_admin, form, sink, authority, run_tests
):
    """The secret typed for the first test is used again: nobody types it twice."""
    relay = sink(users={"kim": SECRET}, tls=authority.contexts["good"])
    sent = {**SIGNED_IN, "port": relay.port, "ca": authority.pem}
    begun = as_admin.post(START, form(**sent), htmx=True)
    run_tests()
    test_id = started(begun.text).rpartition("/")[2]
    empty = form(**{**sent, "password": ""}, test=test_id, repair="0")

    repaired = as_admin.post(f"{BASE}/repair", empty, htmx=True)
    run_tests()

    assert repaired.text.lstrip().startswith('<div id="workbench">')
    assert chosen(repaired.text, "security") == "tls"
    assert SECRET not in repaired.text
    ended = words(as_admin.get(started(repaired.text), htmx=True).text)
    assert "A test message was accepted by 127.0.0.1" in ended
    assert len(relay.mails) == 1


def test_a_repair_works_as_a_plain_form(as_admin, form, sink, authority, run_tests):
    relay = sink(tls=authority.contexts["good"])
    sent = {"port": relay.port, "security": "starttls", "ca": authority.pem}
    answer = as_admin.post(START, form(**sent))
    run_tests()
    failed = as_admin.get(answer.headers["Location"]).text
    test_id = started(failed).rpartition("/")[2]

    page = as_admin.follow(f"{BASE}/repair", form(**sent, test=test_id, repair="0"))

    assert chosen(page, "security") == "tls"
    assert started(page) != started(failed)


def test_a_repair_was_tried_before_it_is_shown(
    as_admin, form, sink, authority, run_tests
):
    """What was seen stands beside the button."""
    relay = sink(tls=authority.contexts["good"])
    sent = {"port": relay.port, "security": "starttls", "ca": authority.pem}
    begun = as_admin.post(START, form(**sent), htmx=True)
    run_tests()

    page = words(as_admin.get(started(begun.text), htmx=True).text)

    assert f"{relay.port} with TLS from the start answers here" in page
    assert "Tried: works" in page


def test_what_was_tried_in_vain_is_not_shown(as_admin, form, play, run_tests):
    begun = as_admin.post(
        START, form(port=play("says_nothing.txt").port, security="starttls"), htmx=True
    )
    run_tests()

    page = as_admin.get(started(begun.text), htmx=True).text

    assert 'name="repair"' not in page
    assert "hx-trigger" not in page


def test_a_repair_that_nobody_offered_is_404(as_admin, form, play, run_tests):
    """A browser names a repair of the stored diagnosis and cannot write its own."""
    begun = as_admin.post(START, form(port=play("says_nothing.txt").port), htmx=True)
    run_tests()
    test_id = started(begun.text).rpartition("/")[2]

    for number in ("7", "-1", "x", ""):
        sent = form(test=test_id, repair=number)
        assert as_admin.post(f"{BASE}/repair", sent).status_code == 404


def test_saving_after_a_test_takes_the_secret_that_was_typed(
    as_admin, form, sink, authority, run_tests
):
    """Without a script the field comes back empty; the version is a tested one."""
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["good"])
    sent = {**SIGNED_IN, "port": relay.port, "ca": authority.pem}
    begun = as_admin.post(START, form(**sent), htmx=True)
    run_tests()
    test_id = started(begun.text).rpartition("/")[2]
    again = {**sent, "password": "", "secret": "lent"}

    page = as_admin.follow(NEW, form(**again, test=test_id, then="use"))

    assert "Mail goes through “Acme relay”, version 1, from now on." in page
    assert "never tested" not in page
    assert chosen(page, "secret") == "keep"
    assert "A test message was accepted by 127.0.0.1" in words(page)


def test_another_person_is_not_lent_the_secret(app, as_admin, owner, form):
    """It is sealed for the browser session that typed it."""
    begun = as_admin.post(START, form(**SIGNED_IN), htmx=True)
    test_id = started(begun.text).rpartition("/")[2]
    again = {**SIGNED_IN, "password": "", "secret": "lent", "test": test_id}

    answer = Visitor(app, owner).post(NEW, form(**again))

    assert answer.status_code == 422
    assert "none is stored" in answer.text
