"""People: an owner adds them, changes their role and sees them out."""

from __future__ import annotations

import pytest

from portal.services import people
from tests.browsing import Visitor

NEW = {
    "in": "acme-inc",
    "name": "Mateo Ruiz",
    "email": "mateo@example.org",
    "role": "admin",
    "password": "correct horse battery",
}


def roles(owner) -> dict[str, str]:
    return {each.email: str(each.role) for each in people.people(owner)}


@pytest.mark.parametrize("htmx", [False, True])
def test_a_person_is_added(as_owner, owner, htmx: bool):
    page = as_owner.post("/people", NEW, htmx=True).text if htmx else ""
    page = page or as_owner.follow("/people", NEW)

    assert roles(owner)["mateo@example.org"] == "admin"
    assert "Mateo Ruiz is admin of Acme Inc." in page
    assert NEW["password"] not in page
    assert ("<html" in page) is not htmx


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "mateo", "needs exactly one “@”"),
        ("role", "king", "A role is owner, admin or viewer."),
        ("password", "short", "It needs 12."),
        ("email", "owner@example.org", "is a member already"),
    ],
)
def test_a_refused_person_keeps_the_form(as_owner, owner, field, value, sentence, htmx):
    answer = as_owner.post("/people", NEW | {field: value}, htmx=htmx)

    assert answer.status_code == 422
    assert sentence in answer.text.split(f'id="{field}-error">')[1]
    assert NEW["password"] not in answer.text
    assert roles(owner) == {"owner@example.org": "owner"}


@pytest.mark.parametrize("htmx", [False, True])
def test_a_role_is_changed(as_owner, owner, viewer, htmx: bool):
    form = {"in": "acme-inc", "email": viewer.person.email, "role": "admin"}

    answer = as_owner.post("/people/role", form, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert roles(owner)[viewer.person.email] == "admin"


@pytest.mark.parametrize("htmx", [False, True])
def test_who_is_removed_is_a_stranger_at_once(app, as_owner, owner, viewer, htmx: bool):
    seen_out = Visitor(app, viewer)
    form = {"in": "acme-inc", "email": viewer.person.email}

    answer = as_owner.post("/people/remove", form, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert viewer.person.email not in roles(owner)
    assert seen_out.get("/t/acme-inc/").status_code == 404


def test_the_last_owner_stays(as_owner, owner):
    form = {"in": "acme-inc", "email": "owner@example.org", "role": "viewer"}

    answer = as_owner.post("/people/role", form, htmx=True)

    assert answer.status_code == 403
    assert "The last owner of a tenant stays its owner." in answer.text
    assert 'hx-swap-oob="outerHTML"' in answer.text
    assert roles(owner) == {"owner@example.org": "owner"}


def test_an_owner_of_another_tenant_manages_their_own_alone(as_stranger, owner):
    page = as_stranger.get("/people").text

    assert "Other Ltd" in page
    assert "owner@example.org" not in page
    assert as_stranger.get("/people?in=acme-inc").status_code == 404
    assert as_stranger.post("/people", NEW).status_code == 404
    assert roles(owner) == {"owner@example.org": "owner"}
