"""People, their sessions, tenants and API keys."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BooleanField,
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


class Person(Frozen):
    public_id = CharField(max_length=32, unique=True)
    email = CharField(max_length=254, unique=True)
    name = CharField(max_length=200)
    password_hash = CharField(max_length=300)
    is_operator = BooleanField()
    created_at = BigIntegerField()
    disabled_at = BigIntegerField(null=True)


class Tenant(Frozen):
    public_id = CharField(max_length=32, unique=True)
    slug = CharField(max_length=64, unique=True)
    name = CharField(max_length=200)
    quota = IntegerField(null=True)
    created_at = BigIntegerField()


class Membership(Frozen):
    person = ForeignKeyField(Person, on_delete="CASCADE")
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    role = CharField(max_length=16)

    class Meta:
        indexes = ((("person", "tenant"), True),)


class BrowserSession(Frozen):
    token_hash = CharField(max_length=64, unique=True)
    person = ForeignKeyField(Person, on_delete="CASCADE")
    csrf = CharField(max_length=64)
    created_at = BigIntegerField()
    seen_at = BigIntegerField()
    ends_at = BigIntegerField()
    ip = CharField(max_length=64, null=True)
    user_agent = CharField(max_length=300, null=True)


class SetupLink(Frozen):
    token_hash = CharField(max_length=64, unique=True)
    created_at = BigIntegerField()
    used_at = BigIntegerField(null=True)


class ApiKey(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    name = CharField(max_length=100)
    prefix = CharField(max_length=24, unique=True)
    key_hash = CharField(max_length=64)
    scopes = JSONField()
    created_at = BigIntegerField()
    created_by = CharField(max_length=254, null=True)
    used_at = BigIntegerField(null=True)
    used_ip = CharField(max_length=64, null=True)
    revoked_at = BigIntegerField(null=True)


TABLES = (Person, Tenant, Membership, BrowserSession, SetupLink, ApiKey)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
