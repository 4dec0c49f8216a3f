"""A relay that nobody vouches for: its chain, and the button that trusts it."""

from __future__ import annotations

import re
import ssl

import pytest

from tests.web_senders.conftest import BASE, SECRET, SIGNED_IN, START
from tests.web_senders.private import PRIVATE
from tests.web_senders.reading import rungs, started, value, words

REPAIR = f"{BASE}/repair"


@pytest.fixture(params=["its own", "an authority's"])
def private(request) -> ssl.SSLContext:
    """What an internal relay shows: a certificate that it made itself, or one of
    the company's authority with that authority's own behind it."""
    return PRIVATE[request.param]()


@pytest.fixture
def refused(as_admin, form, run_tests):
    """`refused(relay)`: the ladder of a test against it, and the id of the test."""

    def test(relay, **changes: object) -> tuple[str, str]:
        sent = form(**{**SIGNED_IN, "port": relay.port, **changes})
        begun = as_admin.post(START, sent, htmx=True)
        run_tests()
        at = started(begun.text)
        return words(as_admin.get(at, htmx=True).text), at.rpartition("/")[2]

    return test


def fingerprint(page: str) -> str:
    found = re.search(r'name="trust" value="([^"]+)"', page)
    assert found, "no button that trusts"
    return found[1]


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_one_click_trusts_and_tests_again(
    as_admin, form, sink, private, refused, run_tests, htmx: bool
):
    """The typed secret is still in the form: it goes along with the click."""
    relay = sink(users={"kim": SECRET}, starttls=private)
    page, test_id = refused(relay)
    assert rungs(page)["starttls"] == "failed"
    assert "SHA-256" in page
    assert "Compare the last fingerprint" in page
    trusting = {"test": test_id, "trust": fingerprint(page)}
    sent = form(**{**SIGNED_IN, "port": relay.port, **trusting})

    answer = as_admin.post(REPAIR, sent, htmx=htmx)
    run_tests()

    assert answer.status_code == (200 if htmx else 303), answer.text
    shown = answer.text if htmx else as_admin.get(answer.headers["Location"]).text
    assert "BEGIN CERTIFICATE" in shown
    ended = words(as_admin.get(started(shown), htmx=True).text)
    assert set(rungs(ended).values()) == {"ok"}
    assert relay.mails[0].user == "kim"


def test_a_typed_secret_is_not_lent_to_another_authority(
    as_admin, form, sink, authority, refused
):
    """What is lent goes under the same authority, or is typed again.
    The form shows the authority by then."""
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["private"])
    page, test_id = refused(relay)
    trusting = {"test": test_id, "trust": fingerprint(page), "password": ""}

    answer = as_admin.post(
        REPAIR, form(**{**SIGNED_IN, "port": relay.port, **trusting})
    )

    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text
    assert "BEGIN CERTIFICATE" in answer.text


@pytest.mark.parametrize("shows", ["expired", "wrong-name"])
def test_trust_mends_neither_a_date_nor_a_name(sink, authority, refused, shows: str):
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts[shows])

    page, _ = refused(relay, ca=authority.pem)

    assert rungs(page)["starttls"] == "failed"
    assert 'name="trust"' not in page


def test_a_certificate_that_was_not_shown_is_not_trusted(
    as_admin, form, sink, authority, refused
):
    """A browser names what the stored test saw and cannot bring its own."""
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["private"])
    _, test_id = refused(relay)
    wrong = {"test": test_id, "trust": "00:11:22"}

    answer = as_admin.post(REPAIR, form(**{**SIGNED_IN, "port": relay.port, **wrong}))

    assert answer.status_code == 404


def test_a_viewer_sees_the_chain_and_no_button(as_viewer, sink, authority, refused):
    relay = sink(users={"kim": SECRET}, starttls=authority.contexts["private"])
    _, test_id = refused(relay)

    page = as_viewer.get(f"/t/acme-inc/tests/{test_id}").text

    assert "SHA-256" in page
    assert 'name="trust"' not in page


def test_there_is_no_switch_that_turns_checking_off(as_admin):
    page = as_admin.get(f"{BASE}/new/generic_smtp").text.lower()

    for word in ("insecure", "skip verif", "do not verify", "ignore certificate"):
        assert word not in page
    assert value(page, "ca_file") == ""
