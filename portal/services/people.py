"""The people of a tenant: an owner adds them, changes their role, sees them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.crypto.passwords import hash_password
from portal.errors import Forbidden, Missing
from portal.services import audit, sessions, words
from portal.services.actor import Actor, Role
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Membership, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    id: str
    name: str
    email: str
    role: Role
    is_operator: bool
    disabled_at: datetime | None
    you: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person of the installation, as the operator sees them."""

    id: str
    name: str
    email: str
    is_operator: bool
    disabled_at: datetime | None
    tenants: tuple[tuple[str, Role], ...]  # slug, role


def people(actor: Actor) -> list[PersonView]:
    """The members of this tenant, by name."""
    actor.require(Role.OWNER)
    rows = _members(actor).order_by(Person.name, Person.id)
    return [
        PersonView(
            id=row.person.public_id,
            name=row.person.name,
            email=row.person.email,
            role=Role(row.role),
            is_operator=row.person.is_operator,
            disabled_at=row.person.disabled_at,
            you=actor.person is not None and actor.person.id == row.person_id,
        )
        for row in rows
    ]


def every(actor: Actor) -> list[Account]:
    """All people of the installation. Raises Forbidden."""
    actor.require_operator()
    members: dict[int, list[tuple[str, Role]]] = {}
    for row in Membership.select().order_by(Membership.id):
        members.setdefault(row.person_id, []).append((row.tenant.slug, Role(row.role)))
    return [
        Account(
            id=row.public_id,
            name=row.name,
            email=row.email,
            is_operator=row.is_operator,
            disabled_at=row.disabled_at,
            tenants=tuple(members.get(row.id, ())),
        )
        for row in Person.select().order_by(Person.email)
    ]


def add(
    actor: Actor, *, email: str, name: str, role: Role | str, password: str
) -> PersonView:
    """A member of this tenant. Whoever has an account here already keeps their
    name and password. Raises Invalid by field: email, name, role, password."""
    actor.require(Role.OWNER)
    findings = words.Findings()
    address = words.email(email, findings)
    chosen = _role(role, findings)
    person = Person.get_or_none(Person.email == address) if address else None
    shown = person.name if person else name
    if person is None:
        shown = words.name(name, "name", findings, what="a name")
        words.password(password, findings, around=(name, email))
    elif person.disabled_at is not None:
        findings.add("email", f"The account of {address} is disabled.")
    elif _member(actor, address):
        findings.add("email", f"{address} is a member already.")
    findings.done()
    hashed = hash_password(password) if person is None else ""
    with transaction():
        if person is None:
            person = Person.create(name=shown, email=address, password_hash=hashed)
        Membership.create(person=person, tenant=actor.here.id, role=chosen)
        _record(actor, "user.added", person, role=str(chosen))
    return next(view for view in people(actor) if view.email == address)


def set_role(actor: Actor, email: str, role: Role | str) -> None:
    """Raises Missing, Forbidden for the last owner, Invalid by field: role."""
    actor.require(Role.OWNER)
    findings = words.Findings()
    chosen = _role(role, findings)
    findings.done()
    with transaction():
        row = _locked(actor, email)
        if chosen is not Role.OWNER:
            _keep_an_owner(actor, row)
        Membership.update(role=chosen).where(Membership.id == row.id).execute()
        _record(actor, "user.role_changed", row.person, role=str(chosen))


def disable(actor: Actor, email: str) -> None:
    """See a person out of this tenant; without a tenant, shut their account.

    Raises Missing, Forbidden for oneself, the last owner and the last operator.
    """
    address = email.strip().lower()
    if actor.person is not None and actor.person.email == address:
        raise Forbidden("Nobody can disable themselves.")
    if actor.tenant is None:
        _shut(actor, address)
        return
    actor.require(Role.OWNER)
    with transaction():
        row = _locked(actor, address)
        _keep_an_owner(actor, row)
        Membership.delete().where(Membership.id == row.id).execute()
        _record(actor, "user.removed", row.person)


def enable(actor: Actor, email: str) -> None:
    """Open an account again. Raises Forbidden, Missing."""
    actor.require_operator()
    with transaction():
        person = _account(email)
        Person.update(disabled_at=None).where(Person.id == person.id).execute()
        _record(actor, "user.enabled", person)


def make_operator(actor: Actor, email: str) -> None:
    """May add tenants and see the platform. Raises Forbidden, Missing."""
    actor.require_operator()
    with transaction():
        person = _account(email)
        Person.update(is_operator=True).where(Person.id == person.id).execute()
        _record(actor, "user.made_operator", person)


def _shut(actor: Actor, address: str) -> None:
    actor.require_operator()
    with transaction():
        person = _account(address)
        others = Person.select().where(
            Person.is_operator, Person.disabled_at.is_null(), Person.id != person.id
        )
        if person.is_operator and not others.exists():
            raise Forbidden("The last operator stays.")
        Person.update(disabled_at=now()).where(
            Person.id == person.id, Person.disabled_at.is_null()
        ).execute()
        sessions.end_all(person.id)
        _record(actor, "user.disabled", person)


def _account(email: str) -> Person:
    address = email.strip().lower()
    person = Person.get_or_none(Person.email == address)
    if person is None:
        raise Missing(f"There is no person with the address {address}.")
    return person


def _members(actor: Actor) -> Any:
    return (
        Membership.select(Membership, Person)
        .join(Person)
        .where(Membership.tenant == actor.here.id)
    )


def _member(actor: Actor, address: str) -> Membership | None:
    row: Membership | None = _members(actor).where(Person.email == address).first()
    return row


def _locked(actor: Actor, address: str) -> Membership:
    row = _member(actor, address.strip().lower())
    if row is None:
        raise Missing("There is no such person.")
    return row


def _keep_an_owner(actor: Actor, row: Membership) -> None:
    others = _members(actor).where(
        Membership.role == Role.OWNER,
        Membership.id != row.id,
        Person.disabled_at.is_null(),
    )
    if row.role == Role.OWNER and not others.exists():
        raise Forbidden("The last owner of a tenant stays its owner.")


def _role(role: Role | str, findings: words.Findings) -> Role:
    try:
        return Role(role)
    except ValueError:
        findings.add("role", "A role is owner, admin or viewer.")
        return Role.VIEWER


def _record(actor: Actor, event: str, person: Person, **detail: str) -> None:
    audit.record(
        actor,
        event,
        subject_kind="user",
        subject_id=person.public_id,
        detail={"email": person.email, **detail},
    )
