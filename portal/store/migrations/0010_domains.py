"""Checks of senders' domains, the watch over them, and their history."""

from __future__ import annotations

from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
)
from playhouse.migrate import SchemaMigrator


class Frozen(Model):
    class Meta:
        legacy_table_names = False


class Tenant(Frozen):
    """As 0001 made it; here only to be pointed at, like the next three."""


class Person(Frozen):
    """Only its key."""


class Sender(Frozen):
    """Only its key."""


class SenderVersion(Frozen):
    """Only its key."""


class DomainCheck(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    version = ForeignKeyField(SenderVersion, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    why = CharField(max_length=16)
    about = CharField(max_length=64)
    domain = CharField(max_length=254)
    state = CharField(max_length=16)
    owner = CharField(max_length=64, null=True)
    checks = JSONField()
    status = CharField(max_length=16, null=True)
    created_at = BigIntegerField()
    started_at = BigIntegerField(null=True)
    ended_at = BigIntegerField(null=True)

    class Meta:
        indexes = ((("state", "created_at"), False), (("sender", "id"), False))


class DomainWatch(Frozen):
    sender = ForeignKeyField(Sender, primary_key=True, on_delete="CASCADE")
    is_on = BooleanField()
    version_id = IntegerField()
    due_at = BigIntegerField()
    subject = CharField(max_length=320)
    known = JSONField()
    told = JSONField()


class DomainVerdict(Frozen):
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    day = CharField(max_length=10)
    at = BigIntegerField()
    status = CharField(max_length=16)
    statuses = JSONField()
    changes = JSONField()

    class Meta:
        indexes = ((("sender", "day"), True),)


def up(migrator: SchemaMigrator, db: Any) -> None:
    tables = (DomainCheck, DomainWatch, DomainVerdict)
    with db.bind_ctx(tables):
        db.create_tables(tables, safe=False)
