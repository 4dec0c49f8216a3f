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


def test_a_key_is_bound_to_domains_and_the_list_says_so(as_owner, owner):
    form = {
        "name": "staging",
        "scopes": ["send"],
        "from_domains": "Example.org, example.net",
        "to_domains": "example.com\nmünchen.example;",
    }
    page = as_owner.follow(KEYS, form)

    [made] = keys.keys(owner)
    assert made.from_domains == ("example.org", "example.net")
    assert made.to_domains == ("example.com", "xn--mnchen-3ya.example")
    text = re.sub(r"<[^>]+>", "", page)
    assert "only From example.org, example.net" in text
    assert "only to example.com, xn--mnchen-3ya.example" in text


def test_a_key_without_domains_says_nothing_of_them(as_owner):
    page = as_owner.follow(KEYS, {"name": "ops", "scopes": ["send"]})

    assert "only From" not in page
    assert '<details class="more" id="domains">' in page


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("name", ["from_domains", "to_domains"])
def test_a_domain_that_is_none_is_said_beside_it(as_owner, owner, name, htmx):
    form = {"name": "ops", "scopes": ["send"], name: "example.org kim@example.org"}
    answer = as_owner.post(KEYS, form, htmx=htmx)

    assert answer.status_code == 422
    assert keys.keys(owner) == []
    assert '<details class="more" id="domains" open>' in answer.text
    [part] = re.findall(rf'<input id="{name}".*?</div>', answer.text, re.DOTALL)
    assert 'aria-invalid="true"' in part
    assert "kim@example.org" in part


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
