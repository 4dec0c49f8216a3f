"""Versions in the browser: go back, stop, delete, and what the list says."""

from __future__ import annotations

import pytest

from portal.services import senders
from tests.web_senders.conftest import BASE, SIGNED_IN


def carried_by(actor) -> tuple[str, int | None]:
    route = senders.route_now(actor.installation, actor.here.id)
    return route.label, route.version


@pytest.fixture
def twice(as_admin, saved, form):
    """A sender whose second version carries the mail."""
    at = saved()
    as_admin.follow(at, form(port=2526, from_name="Acme Inc", then="use"))
    return at


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_an_older_version_is_gone_back_to(as_admin, twice, owner, htmx: bool):
    answer = as_admin.post(f"{twice}/versions/1/use", htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert ("<html" in answer.text) is not htmx
    assert carried_by(owner) == ("Acme relay", 1)


def test_htmx_gets_the_versions_and_the_side_bar(as_admin, twice):
    answer = as_admin.post(f"{twice}/versions/1/use", htmx=True)

    assert answer.text.lstrip().startswith('<div id="versions">')
    assert "Version 1 active" in answer.text.partition("</nav>")[0]
    assert 'id="through"' in answer.text
    assert "Mail goes through “Acme relay”, version 1, from now on." in answer.text


def test_what_changed_is_put_into_words(as_viewer, twice):
    page = as_viewer.get(f"{twice}/versions").text

    assert "Port 2525 to 2526, From name “Acme” to “Acme Inc”" in page
    assert "admin@example.org" in page
    assert "Never tested" in page


def test_a_replaced_secret_is_named_and_not_shown(as_admin, saved):
    at = saved(**SIGNED_IN)
    as_admin.follow(f"{at}/secret", {"password": "another one"})

    page = as_admin.get(f"{at}/versions").text

    assert "Secret replaced" in page
    assert "another one" not in page


def test_a_version_that_was_never_saved_is_404(as_admin, twice):
    assert as_admin.post(f"{twice}/versions/9/use").status_code == 404


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_sender_is_no_longer_used(as_admin, twice, owner, htmx: bool):
    answer = as_admin.post(f"{twice}/disable", htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert carried_by(owner)[1] is None


def test_stopping_one_sender_leaves_another_in_use(as_admin, saved, twice, owner):
    other = saved(name="Another", use=True)

    as_admin.follow(f"{twice}/disable")

    assert carried_by(owner) == ("Another", 1)
    assert as_admin.get(other).status_code == 200


def test_what_carries_the_mail_is_not_deleted(as_owner, twice, owner):
    page = as_owner.follow(f"{twice}/delete")

    assert "This sender carries the mail now." in page
    assert carried_by(owner) == ("Acme relay", 2)


def test_an_owner_deletes_and_is_led_to_the_list(as_owner, saved):
    at = saved()

    page = as_owner.follow(f"{at}/delete")

    assert "The sender “Acme relay” and its secrets are deleted." in page
    assert "No sender yet" in page
    assert as_owner.get(at).status_code == 404


def test_htmx_is_led_to_the_list_after_a_deletion(as_owner, saved):
    at = saved()

    answer = as_owner.post(f"{at}/delete", htmx=True)

    assert answer.headers["HX-Redirect"] == BASE
    assert "<html" not in answer.text


def test_deleting_is_an_owners(as_admin, as_viewer, saved):
    at = saved()

    assert as_admin.post(f"{at}/delete").status_code == 403
    assert f"{at}/delete" not in as_admin.get(f"{at}/versions").text
    assert as_viewer.post(f"{at}/versions/1/use").status_code == 403
    assert as_viewer.post(f"{at}/disable").status_code == 403


def test_a_stranger_changes_nothing(as_stranger, twice, owner):
    for path in ("/versions/1/use", "/disable", "/delete"):
        assert as_stranger.post(twice + path).status_code == 404
    assert carried_by(owner) == ("Acme relay", 2)


def test_the_list_says_which_one_is_in_use(as_viewer, twice, saved):
    saved(name="Waiting one")

    page = as_viewer.get(BASE).text

    first, second = page.split('<li class="card">')[1:]
    assert "Acme relay" in first
    assert "Active" in first
    assert "Waiting one" in second
    assert "Untested" in second
    assert "Add a sender" not in page
