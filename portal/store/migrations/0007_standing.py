"""How senders stand with their relays, fallback to the platform, keys' domains."""

from __future__ import annotations

from typing import Any

from peewee import (
    BigIntegerField,
    CharField,
    Field,
    IntegerField,
    JSONField,
    Model,
)
from playhouse.migrate import SchemaMigrator, migrate

# Both engines add this in place, with its default.
_PROBES = "ALTER TABLE route ADD COLUMN probes INTEGER DEFAULT 0 NOT NULL"
_COLUMNS: tuple[tuple[str, str, Field], ...] = (
    ("route", "fallback_version_id", IntegerField(null=True)),
    ("route", "fallback_at", BigIntegerField(null=True)),
    ("route", "fallback_why", JSONField(null=True)),
    ("route", "probe_at", BigIntegerField(null=True)),
    ("api_key", "from_domains", JSONField(null=True)),
    ("api_key", "to_domains", JSONField(null=True)),
)


class Standing(Model):
    name = CharField(max_length=64, primary_key=True)
    held_until = BigIntegerField(null=True)
    held_why = CharField(max_length=16, null=True)
    share = IntegerField()
    throttles = IntegerField()
    throttled_at = BigIntegerField(null=True)
    failures = IntegerField()
    failed_at = BigIntegerField(null=True)

    class Meta:
        legacy_table_names = False


def up(migrator: SchemaMigrator, db: Any) -> None:
    with db.bind_ctx((Standing,)):
        db.create_tables((Standing,), safe=False)
    db.execute_sql(_PROBES)
    migrate(*(migrator.add_column(*column) for column in _COLUMNS))
