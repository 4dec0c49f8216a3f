"""One's own account: the password, and the sessions that can be ended."""

from __future__ import annotations

import pytest

from portal.services import accounts
from portal.store.models import BrowserSession
from tests.browsing import Visitor
from tests.people import PASSWORD

NEW = "violet harbour 91 pond"


def signs_in(owner, password: str) -> bool:
    try:
        accounts.sign_in(
            owner.installation,
            email="owner@example.org",
            password=password,
            ip="192.0.2.9",
            user_agent="",
        )
    except accounts.Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("htmx", [False, True])
def test_a_changed_password_ends_the_other_sessions(app, as_owner, owner, htmx: bool):
    other = Visitor(app, owner)
    form = {"old": PASSWORD, "new": NEW}

    answer = as_owner.post("/account/password", form, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert other.get("/account").status_code == 303
    assert as_owner.get("/account").status_code == 200
    assert signs_in(owner, NEW)
    assert not signs_in(owner, PASSWORD)


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"old": "wrong", "new": NEW}, "old", "This is not your password."),
        ({"old": PASSWORD, "new": "short"}, "new", "It needs 12."),
    ],
)
def test_a_refused_password_has_its_sentence(
    as_owner, owner, form, field, sentence, htmx
):
    answer = as_owner.post("/account/password", form, htmx=htmx)

    assert answer.status_code == 422
    assert sentence in answer.text.split(f'id="{field}-error">')[1]
    assert NEW not in answer.text
    assert PASSWORD not in answer.text
    assert signs_in(owner, PASSWORD)


@pytest.mark.parametrize("htmx", [False, True])
def test_another_session_of_ones_own_is_ended(app, as_owner, owner, htmx: bool):
    other = Visitor(app, owner)
    row = BrowserSession.select().order_by(BrowserSession.id.desc()).get()
    path = f"/account/sessions/{row.id}/end"
    assert f'action="{path}"' in as_owner.get("/account").text

    answer = as_owner.post(path, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert other.get("/account").status_code == 303


@pytest.mark.parametrize("htmx", [False, True])
def test_all_others_are_ended_at_once(app, as_owner, owner, htmx: bool):
    others = [Visitor(app, owner) for _ in range(3)]

    answer = as_owner.post("/account/sessions/end-others", htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert {other.get("/account").status_code for other in others} == {303}
    assert as_owner.get("/account").status_code == 200


def test_ending_this_session_leads_to_the_door(as_owner):
    row = BrowserSession.get()

    answer = as_owner.post(f"/account/sessions/{row.id}/end")

    assert answer.headers["Location"] == "/sign-in"
    assert as_owner.get("/account").status_code == 303


def test_a_session_of_somebody_else_is_not_there(as_viewer, as_owner, owner):
    row = BrowserSession.get(BrowserSession.person == owner.person.id)

    assert as_viewer.post(f"/account/sessions/{row.id}/end").status_code == 404
    assert as_owner.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("base", "warned"),
    [
        ("http://portal.example.org", True),
        ("https://portal.example.org", False),
        ("http://127.0.0.1:8025", False),
        ("http://localhost", False),
    ],
)
def test_an_unencrypted_connection_is_warned_of(nobody, base: str, warned: bool):
    page = nobody.client.get("/sign-in", base_url=base).text

    assert ("This connection is not encrypted" in page) is warned
