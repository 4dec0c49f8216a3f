"""Links through which somebody else hands the credentials of a sender over."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
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
    """As 0001 made it; here only to be pointed at, like the next one."""


class Sender(Frozen):
    """Only its key."""


class HandOver(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    token_hash = CharField(max_length=64, unique=True)
    opens = JSONField()
    created_at = BigIntegerField()
    created_by = CharField(max_length=254, null=True)
    expires_at = BigIntegerField()
    revoked_at = BigIntegerField(null=True)
    used_at = BigIntegerField(null=True)
    used_ip = CharField(max_length=64, null=True)
    version = IntegerField(null=True)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx((HandOver,)):
        db.create_tables((HandOver,), safe=False)
