"""Set-up happens once, by a link or from the shell."""

from __future__ import annotations

import threading

import pytest

from portal.errors import Gone, Invalid, Missing
from portal.services import accounts, audit, tenants
from portal.services.actor import Role
from portal.store import database as store
from portal.store.models import Person, SetupLink, Tenant
from tests.people import PASSWORD

FORM = {
    "name": "Kim Lee",
    "email": "Kim@Example.org",
    "password": PASSWORD,
    "tenant_name": "Acme Inc",
}


@pytest.mark.usefixtures("both_databases")
def test_link_makes_the_operator_and_the_first_tenant(installation):
    token = accounts.make_setup_link(installation)

    owner = accounts.set_up(installation, token=token, **FORM, ip="192.0.2.1")

    assert owner.person.email == "kim@example.org"
    assert owner.person.is_operator
    assert owner.here.slug == "acme-inc"
    assert owner.role is Role.OWNER
    assert accounts.has_people()
    assert [event.event for event in audit.events(owner).events] == ["tenant.created"]


def test_password_is_kept_as_a_hash_alone(installation):
    accounts.set_up(installation, token=None, **FORM)

    assert Person.get().password_hash.startswith("$argon2id$")


def test_used_link_is_gone(installation):
    token = accounts.make_setup_link(installation)
    accounts.set_up(installation, token=token, **FORM)

    with pytest.raises(Gone):
        accounts.check_setup_link(token)
    with pytest.raises(Gone):
        accounts.set_up(
            installation, token=token, **(FORM | {"email": "b@example.org"})
        )
    assert Person.select().count() == 1


def test_unknown_link_is_missing(installation):
    accounts.make_setup_link(installation)

    with pytest.raises(Missing):
        accounts.check_setup_link("x")
    with pytest.raises(Missing):
        accounts.set_up(installation, token="x", **FORM)


def test_newer_link_ends_the_older_one(installation):
    """Each start prints a link; only the last one on the screen works."""
    old = accounts.make_setup_link(installation)
    new = accounts.make_setup_link(installation)

    with pytest.raises(Missing):
        accounts.check_setup_link(old)
    accounts.check_setup_link(new)


def test_link_is_kept_as_a_fingerprint(installation):
    token = accounts.make_setup_link(installation)

    assert SetupLink.get().token_hash != token


def test_installation_with_people_gives_no_link(installation, owner):
    with pytest.raises(Gone):
        accounts.make_setup_link(installation)
    with pytest.raises(Gone):
        accounts.set_up(installation, token=None, **FORM)


def test_every_wrong_field_is_named_at_once(installation):
    with pytest.raises(Invalid) as caught:
        accounts.set_up(
            installation,
            token=None,
            name=" ",
            email="kim",
            password="short",
            tenant_name="",
        )

    fields = [error.field for error in caught.value.errors]
    assert fields == ["name", "email", "password", "tenant"]
    assert not accounts.has_people()


def test_refused_form_leaves_the_link_usable(installation):
    token = accounts.make_setup_link(installation)
    with pytest.raises(Invalid):
        accounts.set_up(installation, token=token, **(FORM | {"email": ""}))

    assert accounts.set_up(installation, token=token, **FORM).here.slug == "acme-inc"


@pytest.mark.parametrize(
    "password",
    [
        "seven77",
        "Password123",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "Kim@Example.org",
        "x" * 1001,
    ],
)
def test_password_that_is_guessed_first_is_refused(installation, password):
    with pytest.raises(Invalid) as caught:
        accounts.set_up(installation, token=None, **(FORM | {"password": password}))

    assert [error.field for error in caught.value.errors] == ["password"]


@pytest.mark.usefixtures("both_databases")
def test_two_set_ups_at_once_make_one_account(installation):
    """The database decides the race, not a look before the insert."""
    token = accounts.make_setup_link(installation)
    gate, results = threading.Barrier(4), []

    def enter(number: int) -> None:
        form = FORM | {"email": f"p{number}@example.org"}
        with store.connection():
            gate.wait()
            try:
                results.append(accounts.set_up(installation, token=token, **form))
            except Gone as gone:
                results.append(gone)

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(isinstance(result, Gone) for result in results) == [
        False,
        True,
        True,
        True,
    ]
    assert (Person.select().count(), Tenant.select().count()) == (1, 1)
    assert tenants.by_slug("acme-inc").name == "Acme Inc"
