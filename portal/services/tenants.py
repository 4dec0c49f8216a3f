"""Tenants: made by the operator, entered by their members, unknown to all else."""

from __future__ import annotations

from dataclasses import dataclass

import peewee

from portal.errors import Missing
from portal.services import audit, quota, words
from portal.services.actor import Actor, Role, TenantRef
from portal.store.database import transaction
from portal.store.models import Membership, Person, Route, Tenant

_TRIES = 1000  # `acme`, `acme-2`, …


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    ref: TenantRef
    quota: int | None  # recipients a month; None: no limit
    used: int


def add(actor: Actor, *, name: str, quota: int | None = None) -> TenantRef:
    """A tenant of which each operator, and who adds it, is an owner.

    Raises Forbidden, Invalid by field: tenant, quota.
    """
    actor.require_operator()
    findings = words.Findings()
    shown = words.name(name, "tenant", findings, what="the tenant a name")
    _judge_quota(quota, findings)
    findings.done()
    with transaction():
        row = _create(shown, quota)
        Route.create(tenant=row)
        for person in Person.select().where(
            Person.is_operator, Person.disabled_at.is_null()
        ):
            Membership.create(person=person, tenant=row, role=Role.OWNER)
        ref = tenant_ref(row)
        audit.record(
            actor.within(ref),
            "tenant.created",
            subject_kind="tenant",
            subject_id=ref.public_id,
            detail={"name": shown, "slug": ref.slug, "quota": quota},
        )
    return ref


def set_quota(actor: Actor, slug: str, quota: int | None) -> None:
    """Raises Forbidden, Missing, Invalid by field: quota."""
    actor.require_operator()
    findings = words.Findings()
    _judge_quota(quota, findings)
    findings.done()
    ref = by_slug(slug)
    with transaction():
        Tenant.update(quota=quota).where(Tenant.id == ref.id).execute()
        audit.record(
            actor.within(ref),
            "tenant.quota_changed",
            subject_kind="tenant",
            subject_id=ref.public_id,
            detail={"quota": quota},
        )


def mine(actor: Actor) -> list[tuple[TenantRef, Role]]:
    """The tenants that a person is a member of, by name."""
    if actor.person is None:
        return []
    rows = (
        Membership.select(Membership, Tenant)
        .join(Tenant)
        .where(Membership.person == actor.person.id)
        .order_by(Tenant.name, Tenant.id)
    )
    return [(tenant_ref(row.tenant), Role(row.role)) for row in rows]


def enter(actor: Actor, slug: str) -> Actor:
    """The actor within a tenant of theirs. Raises Missing for a stranger, also for
    an operator who is no member: mail and senders are the members' own."""
    if actor.system:
        return actor.within(by_slug(slug))
    row = None
    if actor.person is not None:
        row = (
            Membership.select(Membership, Tenant)
            .join(Tenant)
            .where(Tenant.slug == slug, Membership.person == actor.person.id)
            .first()
        )
    if row is None:
        raise Missing("There is no such tenant.")
    return actor.within(tenant_ref(row.tenant), Role(row.role))


def by_slug(slug: str) -> TenantRef:
    """For the operator's shell. Raises Missing."""
    row = Tenant.get_or_none(Tenant.slug == slug)
    if row is None:
        raise Missing(f"There is no tenant “{slug}”.")
    return tenant_ref(row)


def every(actor: Actor) -> list[TenantView]:
    """All tenants and what they used this month. Raises Forbidden."""
    actor.require_operator()
    views = []
    for row in Tenant.select().order_by(Tenant.name, Tenant.id):
        ref = tenant_ref(row)
        views.append(TenantView(ref=ref, quota=row.quota, used=quota.used(ref)))
    return views


def tenant_ref(row: Tenant) -> TenantRef:
    return TenantRef(id=row.id, public_id=row.public_id, slug=row.slug, name=row.name)


def _create(name: str, quota: int | None) -> Tenant:
    """The first free slug; the unique index says which is."""
    slug = words.slug(name)
    for number in range(1, _TRIES):
        try:
            with transaction():
                return Tenant.create(
                    name=name,
                    slug=slug if number == 1 else f"{slug}-{number}",
                    quota=quota,
                )
        except peewee.IntegrityError:
            continue
    raise Missing(f"There are too many tenants named “{name}”.")


def _judge_quota(quota: int | None, findings: words.Findings) -> None:
    if quota is not None and not 0 <= quota <= 2_000_000_000:
        findings.add("quota", "A quota is a number of recipients from 0 on.")
