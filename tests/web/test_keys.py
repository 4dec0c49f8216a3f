"""API keys in the browser: made, shown once, revoked."""

from __future__ import annotations

import re

import pytest

from portal.errors import Unauthenticated
from portal.services import keys

KEYS = "/t/acme-inc/keys"
SHOWN = re.compile(r"sp_live_[A-Za-z0-9_-]{43}")


def test_a_key_made_by_a_plain_form_is_shown_once(as_owner, owner):
    page = as_owner.follow(KEYS, {"name": "ops", "scopes": ["send", "read"]})

    (key,) = set(SHOWN.findall(page))
    assert keys.authenticate(owner.installation, key, None).key.name == "ops"
    assert "Shown once" in page
    assert SHOWN.search(as_owner.get(KEYS).text) is None


def test_a_key_made_by_htmx_comes_in_the_fragment(as_owner, owner):
    answer = as_owner.post(KEYS, {"name": "ops", "scopes": ["send"]}, htmx=True)

    (key,) = set(SHOWN.findall(answer.text))
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div class="stack" id="keys">')
    assert keys.authenticate(owner.installation, key, None).key.scopes == {"send"}


def test_the_cookie_that_carries_a_key_does_not_show_it(as_owner):
    """It is sealed for this session, and gone after the page that shows it."""
    answer = as_owner.post(KEYS, {"name": "ops", "scopes": ["send"]})
    cookie = next(
        c for c in answer.headers.getlist("Set-Cookie") if c.startswith("portal-key=")
    )

    assert "sp_live" not in cookie
    assert "HttpOnly" in cookie
    assert "Max-Age=60" in cookie


def test_another_session_cannot_open_the_cookie(app, as_owner, as_admin):
    as_owner.post(KEYS, {"name": "ops", "scopes": ["send"]})
    stolen = as_owner.client.get_cookie("portal-key")

    as_admin.client.set_cookie("portal-key", stolen.value)

    assert SHOWN.search(as_admin.get(KEYS).text) is None


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "", "scopes": ["send"]}, "Please give the key a name."),
        ({"name": "ops", "scopes": []}, "Choose at least one of"),
        ({"name": "ops", "scopes": ["everything"]}, "Choose at least one of"),
    ],
)
def test_a_refused_key_has_a_sentence_beside_its_field(
    as_owner, owner, form, sentence, htmx
):
    answer = as_owner.post(KEYS, form, htmx=htmx)

    assert answer.status_code == 422
    assert sentence in answer.text.split('class="error"')[1]
    assert ("<html" in answer.text) is not htmx
    assert keys.keys(owner) == []


@pytest.mark.parametrize("htmx", [False, True])
def test_a_revoked_key_opens_nothing(as_owner, owner, htmx: bool):
    made = keys.make(owner, name="ops")
    path = f"{KEYS}/{made.id}/revoke"

    page = as_owner.post(path, htmx=True).text if htmx else as_owner.follow(path)

    assert "Revoked" in page
    assert "The key is revoked." in page
    assert ("<html" in page) is not htmx
    with pytest.raises(Unauthenticated):
        keys.authenticate(owner.installation, made.key, None)


def test_an_admin_sees_the_keys_and_makes_none(as_admin, owner):
    """People, keys and deletion are the owner's."""
    keys.make(owner, name="ops")

    assert "ops" in as_admin.get(KEYS).text
    assert as_admin.post(KEYS, {"name": "x", "scopes": ["send"]}).status_code == 403
