"""The doors: signing in and out, sessions that end, and where one goes next."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from portal.app import create_app
from portal.services import keys, sessions
from portal.store.fields import now
from portal.store.models import BrowserSession
from tests.browsing import Visitor
from tests.people import PASSWORD


def sign_in(visitor: Visitor, email: str, password: str = PASSWORD, query: str = ""):
    visitor.get("/sign-in")
    return visitor.post(f"/sign-in{query}", {"email": email, "password": password})


def test_signing_in_leads_to_the_first_tenant(nobody, owner):
    answer = sign_in(nobody, "owner@example.org")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    home = nobody.get("/")
    assert home.headers["Location"] == "/t/acme-inc/"
    assert nobody.get("/t/acme-inc/").status_code == 200


def test_the_cookie_is_no_scripts_business(nobody, owner):
    cookie = sign_in(nobody, "owner@example.org").headers["Set-Cookie"]

    assert cookie.startswith("portal=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age" not in cookie


def test_over_https_the_cookie_is_bound_to_the_host(installation, owner):
    settings = dataclasses.replace(
        installation.settings, base_url="https://portal.example.org"
    )
    app = create_app(installation=dataclasses.replace(installation, settings=settings))
    client = app.test_client()
    base = {"base_url": "https://portal.example.org"}
    client.get("/sign-in", **base)
    token = client.get_cookie("__Host-portal-form", "portal.example.org")
    assert token

    answer = client.post(
        "/sign-in",
        data={
            "csrf_token": token.value,
            "email": "owner@example.org",
            "password": PASSWORD,
        },
        **base,
    )

    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert cookie.startswith("__Host-portal=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("email", "password"),
    [("owner@example.org", "wrong words altogether"), ("who@example.org", PASSWORD)],
)
def test_a_wrong_pair_is_told_without_saying_which(nobody, owner, email, password):
    """422 with the form, the address kept, the password not."""
    answer = sign_in(nobody, email, password)

    assert answer.status_code == 422
    assert "The e-mail address or the password is wrong." in answer.text
    assert f'value="{email}"' in answer.text
    assert password not in answer.text
    assert "portal" not in [c.key for c in nobody.client._cookies.values()]


def test_too_many_tries_wait(nobody, owner):
    for _ in range(5):
        sign_in(nobody, "owner@example.org", "wrong words altogether")

    answer = sign_in(nobody, "owner@example.org")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many failed attempts" in answer.text


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/t/acme-inc/audit", "/t/acme-inc/audit"),
        ("/t/acme-inc/messages?q=a%26b", "/t/acme-inc/messages?q=a%26b"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_stays_on_this_site(nobody, owner, asked, leads_to):
    nobody.get("/sign-in")
    answer = nobody.client.post(
        "/sign-in",
        query_string={"next": asked},
        data={
            "csrf_token": nobody.token,
            "email": "owner@example.org",
            "password": PASSWORD,
        },
    )

    assert answer.headers["Location"] == leads_to


def test_who_has_not_signed_in_is_led_to_the_door_and_back(nobody, owner):
    answer = nobody.get("/t/acme-inc/messages?q=x&status=failed")

    assert answer.status_code == 303
    door = answer.headers["Location"]
    assert door.startswith("/sign-in?next=")
    assert nobody.get(door).status_code == 200
    back = sign_in(nobody, "owner@example.org", query=door.removeprefix("/sign-in"))
    assert back.headers["Location"] == "/t/acme-inc/messages?q=x&status=failed"


def test_htmx_is_led_to_the_door_as_a_whole_page(nobody):
    answer = nobody.get("/t/acme-inc/messages/rows", htmx=True)

    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == "/sign-in"
    assert answer.text == ""


@pytest.mark.parametrize("htmx", [False, True])
def test_a_form_of_a_session_that_ended_leads_to_the_door(as_owner, owner, htmx):
    """And changes nothing: whose page it was has to sign in again."""
    as_owner.get("/t/acme-inc/keys")
    BrowserSession.delete().execute()

    answer = as_owner.post(
        "/t/acme-inc/keys", {"name": "ops", "scopes": ["send"]}, htmx=htmx
    )

    place = "HX-Redirect" if htmx else "Location"
    assert answer.headers[place] == "/sign-in"
    assert keys.keys(owner) == []


def test_signing_out_ends_the_session_in_the_database(as_owner):
    page = as_owner.follow("/sign-out")

    assert "You are signed out." in page
    assert BrowserSession.select().count() == 0
    assert as_owner.get("/t/acme-inc/").status_code == 303


def test_an_idle_session_ends(as_owner):
    BrowserSession.update(seen_at=now() - sessions.IDLE).execute()

    assert as_owner.get("/t/acme-inc/").headers["Location"].startswith("/sign-in")


def test_a_session_ends_after_its_day_however_busy(as_owner):
    BrowserSession.update(ends_at=now() - timedelta(seconds=1)).execute()

    assert as_owner.get("/t/acme-inc/").headers["Location"].startswith("/sign-in")


def test_a_cookie_that_was_made_up_is_nobody(nobody, owner):
    nobody.client.set_cookie("portal", "made-up")

    assert nobody.get("/t/acme-inc/").headers["Location"].startswith("/sign-in")


def test_who_is_in_no_tenant_reads_so(app, make, owner):
    person = make.person("alone@example.org")
    alone = dataclasses.replace(
        owner,
        tenant=None,
        role=None,
        person=dataclasses.replace(
            owner.person, id=person.id, name=person.name, is_operator=False
        ),
    )

    page = Visitor(app, alone).get("/")

    assert page.status_code == 200
    assert "You are in no tenant" in page.text
