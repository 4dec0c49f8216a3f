"""Audit, captured mail, counters and notes."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    Database,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Frozen(Model):
    class Meta:
        legacy_table_names = False


class Tenant(Frozen):
    """Only its key."""


class AuditEvent(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, null=True, on_delete="RESTRICT")
    at = BigIntegerField()
    event = CharField(max_length=64)
    actor = CharField(max_length=300)
    ip = CharField(max_length=64, null=True)
    subject_kind = CharField(max_length=24, null=True)
    subject_id = CharField(max_length=64, null=True)
    detail = JSONField()
    previous = CharField(max_length=64)
    hash = CharField(max_length=64)

    class Meta:
        indexes = ((("tenant", "id"), False), (("tenant", "event", "id"), False))


class AuditHead(Frozen):
    tenant_id = IntegerField(primary_key=True)
    hash = CharField(max_length=64)
    length = BigIntegerField()


class Capture(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, null=True, on_delete="CASCADE")
    message_ref = CharField(max_length=32, null=True)
    at = BigIntegerField()
    reverse_path = CharField(max_length=320)
    recipients = JSONField()
    subject = TextField()
    ehlo = CharField(max_length=300)
    content = BlobField()

    class Meta:
        indexes = ((("tenant", "id"), False),)


class Counter(Frozen):
    name = CharField(max_length=300)
    window_at = BigIntegerField()
    used = BigIntegerField()

    class Meta:
        indexes = ((("name", "window_at"), True),)


class Note(Frozen):
    name = CharField(max_length=64, primary_key=True)
    value = BlobField()


TABLES = (AuditEvent, AuditHead, Capture, Counter, Note)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
