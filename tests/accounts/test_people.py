"""Owners add people, change their roles and see them out; nobody else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.errors import Forbidden, Invalid, Missing, Unauthenticated
from portal.services import accounts, audit, people, tenants
from portal.services.actor import Role
from tests.people import PASSWORD

NEW = {
    "email": "New@example.org",
    "name": "New One",
    "role": "admin",
    "password": PASSWORD,
}


def sign_in(installation, email):
    return accounts.sign_in(
        installation, email=email, password=PASSWORD, ip=None, user_agent=""
    )


@pytest.mark.usefixtures("both_databases")
def test_added_person_signs_in_with_their_role(owner, installation):
    view = people.add(owner, **NEW)

    assert (view.email, view.role, view.you) == ("new@example.org", Role.ADMIN, False)
    actor = sign_in(installation, "new@example.org").actor
    assert tenants.enter(actor, "acme-inc").role is Role.ADMIN
    assert audit.events(owner).events[0].event == "user.added"


def test_members_are_listed_by_name(owner, viewer, stranger):
    shown = [(view.name, view.role, view.you) for view in people.people(owner)]

    assert shown == [("Owner", Role.OWNER, True), ("Viewer", Role.VIEWER, False)]


@pytest.mark.parametrize("who", ["viewer", "admin"])
def test_people_are_the_owners_affair(request, owner, who):
    actor = request.getfixturevalue(who)

    for use in (
        lambda: people.people(actor),
        lambda: people.add(actor, **NEW),
        lambda: people.set_role(actor, "owner@example.org", "viewer"),
        lambda: people.disable(actor, "owner@example.org"),
    ):
        with pytest.raises(Forbidden):
            use()


def test_stranger_finds_nobody(owner, viewer, stranger):
    for use in (
        lambda: people.set_role(stranger, "viewer@example.org", "admin"),
        lambda: people.disable(stranger, "viewer@example.org"),
    ):
        with pytest.raises(Missing):
            use()
    assert [view.email for view in people.people(stranger)] == ["stranger@example.net"]


def test_person_of_another_tenant_joins_with_their_own_password(
    owner, stranger, installation
):
    view = people.add(
        owner,
        email="stranger@example.net",
        name="Somebody Else",
        role="viewer",
        password="",
    )

    assert view.name == "Stranger"
    actor = sign_in(installation, "stranger@example.net").actor
    assert [role for _, role in tenants.mine(actor)] == [Role.VIEWER, Role.OWNER]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "x"}, "email"),
        ({"email": "owner@example.org"}, "email"),
        ({"name": ""}, "name"),
        ({"role": "boss"}, "role"),
        ({"password": "short"}, "password"),
    ],
)
def test_bad_field_is_named(owner, change, field):
    with pytest.raises(Invalid) as caught:
        people.add(owner, **(NEW | change))

    assert [error.field for error in caught.value.errors] == [field]


def test_role_is_changed(owner, viewer):
    people.set_role(owner, "Viewer@example.org", "admin")

    assert tenants.enter(viewer, "acme-inc").role is Role.ADMIN
    with pytest.raises(Invalid, match="owner, admin or viewer"):
        people.set_role(owner, "viewer@example.org", "boss")


def test_last_owner_stays(owner, viewer):
    with pytest.raises(Forbidden, match="last owner"):
        people.set_role(owner, "owner@example.org", "admin")

    people.set_role(owner, "viewer@example.org", "owner")
    people.set_role(owner, "owner@example.org", "admin")
    assert tenants.enter(owner, "acme-inc").role is Role.ADMIN


def test_person_is_seen_out_of_one_tenant(owner, viewer, stranger, installation):
    people.add(owner, email="stranger@example.net", name="", role="viewer", password="")

    people.disable(owner, "stranger@example.net")

    actor = sign_in(installation, "stranger@example.net").actor
    assert [ref.slug for ref, _ in tenants.mine(actor)] == ["other-ltd"]
    with pytest.raises(Missing):
        tenants.enter(actor, "acme-inc")


def test_operator_shuts_and_opens_an_account(owner, stranger, installation):
    operator = replace(owner, tenant=None, role=None)

    people.disable(operator, "stranger@example.net")

    with pytest.raises(Unauthenticated):
        sign_in(installation, "stranger@example.net")
    [shut] = [a for a in people.every(operator) if a.email == "stranger@example.net"]
    assert shut.disabled_at is not None
    with pytest.raises(Invalid, match="disabled"):
        people.add(
            owner, email="stranger@example.net", name="", role="admin", password=""
        )

    people.enable(operator, "stranger@example.net")
    assert sign_in(installation, "stranger@example.net").token


def test_only_an_operator_shuts_accounts(stranger, owner):
    with pytest.raises(Forbidden):
        people.disable(replace(stranger, tenant=None, role=None), "owner@example.org")
    with pytest.raises(Forbidden):
        people.every(stranger)
    with pytest.raises(Forbidden):
        people.enable(stranger, "owner@example.org")
    with pytest.raises(Forbidden):
        people.make_operator(stranger, "stranger@example.net")


def test_nobody_shuts_themselves_nor_the_last_operator(owner, installation):
    with pytest.raises(Forbidden, match="themselves"):
        people.disable(owner, "Owner@example.org")
    shell = replace(owner, person=None, tenant=None, role=None, system="command line")
    with pytest.raises(Forbidden, match="last operator"):
        people.disable(shell, "owner@example.org")


def test_new_operator_may_add_tenants(owner, viewer, installation):
    people.make_operator(owner, "viewer@example.org")

    actor = sign_in(installation, "viewer@example.org").actor
    assert tenants.add(actor, name="Client A").slug == "client-a"
    people.disable(replace(actor, tenant=None), "owner@example.org")
