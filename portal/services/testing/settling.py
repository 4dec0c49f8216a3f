"""The end of a live test, in one transaction: row, tested version, audit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from portal.delivery.preflight import Asked
from portal.delivery.shown import step_json
from portal.delivery.types import Outcome, Relay, Step, StepStatus
from portal.diagnosis.types import Diagnosis
from portal.diagnosis.words import diagnosis_json
from portal.services import audit
from portal.services.actor import Actor, PersonRef, TenantRef
from portal.services.installation import Installation
from portal.services.testing.mending import CHECKING
from portal.services.testing.preflight import preflight_json
from portal.services.testing.preparing import MAIL, PREFLIGHT
from portal.services.testing.words import in_a_sentence, outcome_json
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import LiveTest, Person, Sender, SenderVersion, Tenant


def settle(
    installation: Installation,
    test_id: int,
    outcome: Outcome,
    *,
    relay: Relay,
    captured: bool,
    diagnoses: tuple[Diagnosis | None, Diagnosis | None],
    checking: bool = False,
    asked: tuple[Asked, ...] = (),
) -> None:
    """`diagnoses` are the one for everybody and the one for owners. `checking`: their
    repairs are still being tried."""
    test = LiveTest.get_by_id(test_id)
    everybody, owners = diagnoses
    words = in_a_sentence(outcome.status, relay, test.to_address, captured=captured)
    kept = outcome_json(outcome, sentence=words, message_id=test.message_id)
    if test.kind == PREFLIGHT:
        kept |= preflight_json(outcome, asked, relay, test.to_address)
    kept["captured"] = captured
    kept["diagnosis"] = diagnosis_json(everybody) if everybody else None
    if checking:
        kept[CHECKING] = True
    if outcome.failure and outcome.failure.remedy:
        kept["for_owners"] = {
            "remedy": outcome.failure.remedy,
            "diagnosis": diagnosis_json(owners) if owners else None,
        }
    with transaction():
        if _end(test, kept, outcome.steps):
            if test.kind == MAIL:
                _mark_versions(test, outcome.status.value)
            _record(installation, test, kept)


def settle_unrun(installation: Installation, test: LiveTest, sentence: str) -> None:
    """A test that never came to an outcome: why, in one sentence."""
    kept = {"status": "failed", "stage": None, "sentence": sentence}
    with transaction():
        if _end(test, kept, None):
            _record(installation, test, kept)


def _end(test: LiveTest, kept: dict[str, Any], steps: tuple[Step, ...] | None) -> bool:
    """False when it has ended already: the first end counts."""
    changes: dict[str, Any] = {"state": "done", "outcome": kept, "ended_at": now()}
    if steps is not None:
        changes["steps"] = [step_json(_ended(step)) for step in steps]
    ended = (
        LiveTest.update(**changes)
        .where(LiveTest.id == test.id, LiveTest.state != "done")
        .execute()
    )
    return bool(ended)


def _ended(step: Step) -> Step:
    """A test that is over has no stage that runs."""
    if step.status is not StepStatus.RUNNING:
        return step
    return replace(step, status=StepStatus.SKIPPED)


def _mark_versions(test: LiveTest, status: str) -> None:
    """Every version of this tenant that is exactly what was tested."""
    of_tenant = Sender.select(Sender.id).where(Sender.tenant == test.tenant_id)
    SenderVersion.update(tested_at=now(), test_status=status).where(
        SenderVersion.sender.in_(of_tenant), SenderVersion.digest == test.digest
    ).execute()


def _record(installation: Installation, test: LiveTest, kept: dict[str, Any]) -> None:
    diagnosis = kept.get("diagnosis") or {}
    sender = Sender.get_or_none(Sender.id == test.sender_id)
    audit.record(
        actor_of(installation, test.tenant_id, test.person_id),
        "sender.tested",
        subject_kind="sender" if sender else None,
        subject_id=sender.public_id if sender else None,
        detail={
            "name": sender.name if sender else None,
            "provider": test.settings.get("provider"),
            "host": test.settings.get("host"),
            "port": test.settings.get("port"),
            "to": test.to_address,
            "kind": test.kind,
            "status": kept["status"],
            "stage": kept["stage"],
            "cause": diagnosis.get("cause"),
        },
    )


def actor_of(
    installation: Installation, tenant_id: int, person_id: int | None
) -> Actor:
    """Whoever asked for it, as the audit names them."""
    tenant = Tenant.get_by_id(tenant_id)
    here = TenantRef(
        id=tenant.id, public_id=tenant.public_id, slug=tenant.slug, name=tenant.name
    )
    person = Person.get_or_none(Person.id == person_id)
    if person is None:
        return Actor(installation=installation, tenant=here, system="engine")
    return Actor(
        installation=installation,
        tenant=here,
        person=PersonRef(
            id=person.id,
            public_id=person.public_id,
            name=person.name,
            email=person.email,
            is_operator=person.is_operator,
        ),
    )
