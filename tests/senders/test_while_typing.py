"""While somebody types: quiet sentences beside the fields, and never a refusal."""

from __future__ import annotations

import pytest

from portal.providers.catalogue import Catalogue
from portal.services.senders.while_typing import TypedSoFar, typed_notes

CATALOGUE = Catalogue.load()


def said(provider: str, **typed) -> dict[str, str]:
    """The sentence beside each field."""
    secret = typed.pop("password", None)
    secrets = {"password": secret} if secret else {}
    so_far = TypedSoFar(**{"auth": "password", **typed}, secrets=secrets)
    found = typed_notes(so_far, CATALOGUE.get(provider))
    assert len({note.field for note in found}) == len(found)
    return {note.field: note.detail for note in found}


def test_an_empty_form_is_left_alone():
    assert said("gmail") == {}


@pytest.mark.parametrize(
    ("provider", "username", "sentence"),
    [
        ("sendgrid", "kim@example.org", "always “apikey”"),
        ("gmail", "kim", "the whole address"),
        ("gmail", "kim@gmail.com ", "a blank"),
    ],
)
def test_a_user_name_against_its_provider(provider, username, sentence):
    assert sentence in said(provider, username=username)["username"]


@pytest.mark.parametrize(
    ("provider", "username"),
    [
        ("sendgrid", "apikey"),
        ("gmail", "kim@example.org"),
        ("generic_smtp", "kim"),
        ("generic_smtp", "kim@example.org"),
    ],
)
def test_a_user_name_that_fits_is_left_alone(provider, username):
    assert said(provider, username=username) == {}


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ("hunter2\r\n", "line break"),
        (" hunter2", "blank"),
        ("kim", "user name once more"),
    ],
)
def test_what_was_pasted_along_with_a_secret(secret, sentence):
    found = said("generic_smtp", username="kim", password=secret)

    assert sentence in found["password"]
    assert "hunter2" not in repr(found)


def test_a_secret_that_is_another_provider_s():
    found = said("sendgrid", username="apikey", password="abcd efgh ijkl mnop")

    assert "does not look like what" in found["password"]


def test_a_from_that_is_not_the_mailbox_that_signs_in():
    other = {"username": "kim@example.org", "from_address": "news@example.org"}

    assert "alias" in said("gmail", **other)["from_address"]
    assert said("generic_smtp", **other) == {}
    same = {**other, "from_address": "Kim@example.org"}
    assert said("gmail", **same) == {}


@pytest.mark.parametrize(
    ("provider", "host", "is_said"),
    [
        ("sendgrid", "smtp.sendgrid.net", True),
        ("generic_smtp", "relay.example.org", True),
        ("gmail", "smtp.gmail.com", False),
        ("generic_smtp", "smtp.gmail.com", False),
    ],
)
def test_freemail_goes_through_its_own_relays(provider, host, is_said):
    found = said(provider, auth="none", host=host, from_address="kim@gmail.com")

    assert ("from_address" in found) is is_said


def test_a_half_typed_address_is_no_address_yet():
    assert said("sendgrid", from_address="kim@gmail") == {}
