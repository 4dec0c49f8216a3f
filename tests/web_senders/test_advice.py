"""Quiet sentences come while somebody types, and never stand in the way."""

from __future__ import annotations

import pytest

from tests.browsing import Visitor
from tests.web_senders.conftest import BASE

ADVICE = f"{BASE}/advice"


def test_a_user_name_is_held_against_its_provider(as_admin):
    typed = "provider=sendgrid&auth=password&username="

    odd = as_admin.get(f"{ADVICE}/username?{typed}kim", htmx=True).text
    right = as_admin.get(f"{ADVICE}/username?{typed}apikey", htmx=True).text

    assert "always “apikey”" in odd
    assert right.strip() == '<p class="help" id="advice-username" role="status"></p>'


def test_a_from_address_is_held_against_who_signs_in(as_admin):
    typed = {"auth": "oauth2", "mailbox": "kim@example.org"}

    answer = as_admin.client.get(
        f"{ADVICE}/from_address",
        query_string={"provider": "gmail", "from_address": "a@example.org", **typed},
    )

    assert "knows kim@example.org" in answer.get_data(as_text=True)


def test_a_secret_is_asked_about_by_post_and_not_said_again(as_admin):
    sent = {"auth": "password", "username": "apikey", "password": " hunter2 "}

    answer = as_admin.post(f"{ADVICE}/password?provider=sendgrid", sent, htmx=True)

    assert answer.status_code == 200
    assert "blank" in answer.text
    assert "hunter2" not in answer.text
    assert as_admin.get(f"{ADVICE}/password").status_code in (404, 405)


def test_an_unknown_field_and_an_unknown_provider_are_no_trouble(as_admin):
    assert as_admin.get(f"{ADVICE}/nothing").status_code == 404
    assert as_admin.get(f"{ADVICE}/username?provider=nobody").status_code == 200


@pytest.mark.parametrize("provider", ["sendgrid", "gmail", "generic_smtp"])
def test_the_form_has_a_place_for_each_sentence(as_admin, provider):
    page = as_admin.get(f"{BASE}/new/{provider}").text

    assert page.count('id="advice-from_address"') == 1
    assert page.count('id="advice-password"') == 1
    assert f"{ADVICE}/password?provider={provider}" in page


def test_a_stranger_is_told_nothing(app, stranger):
    assert Visitor(app, stranger).get(f"{ADVICE}/username").status_code == 404
