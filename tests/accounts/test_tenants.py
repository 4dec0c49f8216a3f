"""Tenants are the operator's to make and their members' to enter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.errors import Forbidden, Invalid, Missing
from portal.services import audit, tenants, words
from portal.services.actor import Actor, Role
from portal.store.models import Route


@pytest.mark.usefixtures("both_databases")
def test_operator_adds_a_tenant_and_owns_it(owner):
    ref = tenants.add(owner, name="  Client   A ")

    assert (ref.slug, ref.name) == ("client-a", "Client A")
    assert tenants.enter(owner, "client-a").role is Role.OWNER
    assert Route.get_by_id(ref.id).active_version is None
    inside = owner.within(ref, Role.OWNER)
    assert [event.event for event in audit.events(inside).events] == ["tenant.created"]


def test_tenant_of_the_shell_belongs_to_the_operators(installation, owner, stranger):
    shell = Actor(installation=installation, system="command line")

    tenants.add(shell, name="Client A")

    assert tenants.enter(owner, "client-a").role is Role.OWNER
    with pytest.raises(Missing):
        tenants.enter(stranger, "client-a")


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_nobody_else_adds_a_tenant(request, who):
    actor = request.getfixturevalue(who)

    with pytest.raises(Forbidden):
        tenants.add(actor, name="Client A")
    with pytest.raises(Forbidden):
        tenants.set_quota(actor, "acme-inc", 1)
    with pytest.raises(Forbidden):
        tenants.every(actor)


@pytest.mark.usefixtures("both_databases")
def test_second_tenant_of_a_name_has_its_own_slug(owner):
    """The unique index finds it; the transaction around it goes on."""
    slugs = [tenants.add(owner, name="Acme Inc").slug for _ in range(3)]

    assert slugs == ["acme-inc-2", "acme-inc-3", "acme-inc-4"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Inc", "acme-inc"),
        ("  --Größe & Söhne!  ", "große-sohne".replace("ß", "")),
        ("日本", "tenant"),
        ("a" * 90, "a" * 48),
        ("Æ.B_C", "b-c"),
        ("x" * 47 + " y", "x" * 47),
    ],
)
def test_slug_is_made_from_the_name(name, slug):
    assert words.slug(name) == slug


@pytest.mark.parametrize(
    ("name", "quota", "field"),
    [
        ("", None, "tenant"),
        ("x" * 101, None, "tenant"),
        ("a\u202eb", None, "tenant"),
        ("ok", -1, "quota"),
        ("ok", 2**40, "quota"),
    ],
)
def test_bad_field_is_named(owner, name, quota, field):
    with pytest.raises(Invalid) as caught:
        tenants.add(owner, name=name, quota=quota)

    assert [error.field for error in caught.value.errors] == [field]


def test_members_see_their_tenants_and_no_others(owner, viewer, stranger):
    assert [(ref.slug, role) for ref, role in tenants.mine(viewer)] == [
        ("acme-inc", Role.VIEWER)
    ]
    assert [ref.slug for ref, _ in tenants.mine(stranger)] == ["other-ltd"]
    assert tenants.mine(replace(owner, person=None)) == []


def test_stranger_finds_no_tenant(owner, stranger):
    """The same answer as for a tenant that does not exist, for operators as well."""
    for actor, slug in ((stranger, "acme-inc"), (owner, "other-ltd"), (owner, "x")):
        with pytest.raises(Missing) as caught:
            tenants.enter(actor, slug)
        assert caught.value.sentence == "There is no such tenant."


def test_quota_is_set_and_shown(owner):
    tenants.set_quota(owner, "acme-inc", 5)

    [view] = tenants.every(owner)
    assert (view.ref.slug, view.quota, view.used) == ("acme-inc", 5, 0)
