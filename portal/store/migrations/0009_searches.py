"""Searches for a relay; live tests that stop before they send."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, CharField, ForeignKeyField, JSONField, Model
from playhouse.migrate import SchemaMigrator

# Both engines add this in place, with its default.
_KIND = "ALTER TABLE live_test ADD COLUMN kind VARCHAR(16) DEFAULT 'mail' NOT NULL"


class Frozen(Model):
    class Meta:
        legacy_table_names = False


class Tenant(Frozen):
    """As 0001 made it; here only to be pointed at, like the next one."""


class Person(Frozen):
    """Only its key."""


class Search(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    asked = CharField(max_length=254)
    state = CharField(max_length=16)
    owner = CharField(max_length=64, null=True)
    ways = JSONField()
    hosts = JSONField()
    outcome = JSONField(null=True)
    created_at = BigIntegerField()
    started_at = BigIntegerField(null=True)
    ended_at = BigIntegerField(null=True)

    class Meta:
        indexes = ((("state", "created_at"), False),)


def up(migrator: SchemaMigrator, db: Any) -> None:
    with db.bind_ctx((Search,)):
        db.create_tables((Search,), safe=False)
    db.execute_sql(_KIND)
