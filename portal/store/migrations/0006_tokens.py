"""Access tokens that are kept, and consents that people are giving."""

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
)
from playhouse.migrate import SchemaMigrator


class Frozen(Model):
    class Meta:
        legacy_table_names = False


class Tenant(Frozen):
    """As 0001 made it; here only to be pointed at, like the next three."""


class Person(Frozen):
    """Only its key."""


class BrowserSession(Frozen):
    """Only its key."""


class Sender(Frozen):
    """Only its key."""


class OAuthToken(Frozen):
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    fingerprint = CharField(max_length=64)
    asked_with = CharField(max_length=64)
    sealed = BlobField(null=True)
    generation = IntegerField()
    fresh_until = BigIntegerField(null=True)
    refreshing_by = CharField(max_length=32, null=True)
    refreshing_until = BigIntegerField(null=True)
    failures = IntegerField()
    failed_at = BigIntegerField(null=True)
    failure = JSONField(null=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "oauth_token"
        indexes = ((("tenant", "fingerprint"), True),)


class OAuthConsent(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, null=True, on_delete="SET NULL")
    person = ForeignKeyField(Person, null=True, on_delete="CASCADE")
    session = ForeignKeyField(BrowserSession, on_delete="CASCADE")
    state_hash = CharField(max_length=64, unique=True)
    settings = JSONField()
    sealed = BlobField(null=True)
    used_at = BigIntegerField(null=True)
    created_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)

    class Meta:
        table_name = "oauth_consent"


TABLES = (OAuthToken, OAuthConsent)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
