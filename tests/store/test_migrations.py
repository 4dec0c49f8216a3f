"""Migrations from zero make what the models say, and the guards hold."""

from __future__ import annotations

from datetime import timedelta

import peewee
import pytest
from playhouse.schema_diff import diff_models

from portal.store import database as store
from portal.store.fields import now
from portal.store.models import (
    ALL,
    AuditEvent,
    Message,
    MessageContent,
    Recipient,
    Tenant,
)

pytestmark = pytest.mark.usefixtures("both_databases")

FINAL = ("sent", "failed", "expired", "cancelled")


def test_migrations_from_zero_leave_no_difference(database):
    """A column or an index missed in a migration is seen here."""
    assert str(diff_models(database, ALL)) == ""
    assert store.pending(database) == []


@pytest.fixture
def message(database) -> Message:
    tenant = Tenant.create(slug="acme", name="Acme")
    return Message.create(tenant=tenant, message_id="<1@x>", expires_at=now())


def _recipient(message: Message, state: str) -> Recipient:
    return Recipient.create(
        message=message,
        tenant=message.tenant_id,
        position=0,
        address="kim@example.com",
        state=state,
        expires_at=now() + timedelta(days=1),
    )


@pytest.mark.parametrize("state", FINAL)
def test_final_state_never_changes(message, state):
    """Whatever the code does: the database refuses."""
    row = _recipient(message, state)

    with pytest.raises(peewee.IntegrityError, match="a final state never changes"):
        Recipient.update(state="queued").where(Recipient.id == row.id).execute()

    assert Recipient.get_by_id(row.id).state == state


def test_final_row_takes_what_is_not_its_state(message):
    """`cancel_asked` and a late reply may still be written."""
    row = _recipient(message, "sent")

    Recipient.update(state="sent", cancel_asked=True).execute()

    assert Recipient.get_by_id(row.id).cancel_asked


def test_person_decides_an_uncertain_one_for_good(message):
    row = _recipient(message, "uncertain")

    Recipient.update(state="failed", decided_by="owner@example.org").execute()

    with pytest.raises(peewee.IntegrityError, match="a final state never changes"):
        Recipient.update(state="sent").where(Recipient.id == row.id).execute()


def test_unknown_state_is_refused(message):
    with pytest.raises(peewee.IntegrityError):
        _recipient(message, "delivered")


@pytest.mark.parametrize(
    "statement", [AuditEvent.update(actor="x"), AuditEvent.delete()]
)
def test_audit_row_neither_changes_nor_goes(database, statement):
    AuditEvent.create(event="user.added", actor="owner", previous="", hash="h")

    with pytest.raises(peewee.IntegrityError, match="audit rows"):
        statement.execute()

    assert AuditEvent.get().actor == "owner"


def test_content_is_frozen(message):
    MessageContent.create(
        message=message, date=now(), headers=b"a", body=b"b", sha256="0"
    )

    with pytest.raises(peewee.IntegrityError, match="content never changes"):
        MessageContent.update(body=b"c").execute()
