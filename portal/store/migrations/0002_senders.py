"""Senders, their versions and secrets, routes and live tests."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    CharField,
    Database,
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
    """As 0001 made it; here only to be pointed at, like the next two."""


class Person(Frozen):
    """Only its key."""


class BrowserSession(Frozen):
    """Only its key."""


class Sender(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    name = CharField(max_length=100)
    latest = IntegerField()
    created_at = BigIntegerField()
    deleted_at = BigIntegerField(null=True)


Sender.add_index(
    Sender.tenant,
    Sender.name,
    unique=True,
    name="sender_name",
    where=SQL("deleted_at IS NULL"),
)


class SenderVersion(Frozen):
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    number = IntegerField()
    provider = CharField(max_length=64)
    settings = JSONField()
    digest = CharField(max_length=64)
    created_at = BigIntegerField()
    created_by = CharField(max_length=254, null=True)
    tested_at = BigIntegerField(null=True)
    test_status = CharField(max_length=16, null=True)

    class Meta:
        indexes = ((("sender", "number"), True),)


class SenderSecret(Frozen):
    version = ForeignKeyField(SenderVersion, on_delete="CASCADE")
    field = CharField(max_length=40)
    sealed = BlobField()
    created_at = BigIntegerField()
    created_by = CharField(max_length=254, null=True)

    class Meta:
        indexes = ((("version", "field"), True),)


class Route(Frozen):
    tenant = ForeignKeyField(Tenant, primary_key=True, on_delete="CASCADE")
    active_version = ForeignKeyField(SenderVersion, null=True, on_delete="RESTRICT")
    fence = BigIntegerField()
    changed_at = BigIntegerField()


class LiveTest(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, null=True, on_delete="SET NULL")
    version = ForeignKeyField(SenderVersion, null=True, on_delete="SET NULL")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    session = ForeignKeyField(BrowserSession, null=True, on_delete="SET NULL")
    to_address = CharField(max_length=254)
    settings = JSONField()
    sealed = BlobField(null=True)
    digest = CharField(max_length=64)
    message_id = CharField(max_length=320, null=True, index=True)
    state = CharField(max_length=16)
    owner = CharField(max_length=64, null=True)
    steps = JSONField()
    outcome = JSONField(null=True)
    created_at = BigIntegerField()
    started_at = BigIntegerField(null=True)
    ended_at = BigIntegerField(null=True)
    expires_at = BigIntegerField()

    class Meta:
        indexes = ((("state", "created_at"), False),)


TABLES = (Sender, SenderVersion, SenderSecret, Route, LiveTest)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
