"""People, their sessions, tenants and API keys."""

from __future__ import annotations

from peewee import (
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
)

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table


class Person(Table):
    public_id = PublicIdField()
    email = CharField(max_length=254, unique=True)  # lower case
    name = CharField(max_length=200)
    password_hash = CharField(max_length=300)
    is_operator = BooleanField(default=False)
    created_at = InstantField(default=now)
    disabled_at = InstantField(null=True)


class Tenant(Table):
    public_id = PublicIdField()
    slug = CharField(max_length=64, unique=True)
    name = CharField(max_length=200)
    quota = IntegerField(null=True)  # recipients a month; None: no limit
    created_at = InstantField(default=now)


class Membership(Table):
    person = ForeignKeyField(Person, backref="memberships", on_delete="CASCADE")
    tenant = ForeignKeyField(Tenant, backref="memberships", on_delete="CASCADE")
    role = CharField(max_length=16)  # owner, admin, viewer

    class Meta:
        indexes = ((("person", "tenant"), True),)


class BrowserSession(Table):
    token_hash = CharField(max_length=64, unique=True)  # SHA-256, hex
    person = ForeignKeyField(Person, backref="sessions", on_delete="CASCADE")
    csrf = CharField(max_length=64)
    created_at = InstantField(default=now)
    seen_at = InstantField(default=now)
    ends_at = InstantField()  # absolute; idle time is counted from seen_at
    ip = CharField(max_length=64, null=True)
    user_agent = CharField(max_length=300, null=True)


class SetupLink(Table):
    token_hash = CharField(max_length=64, unique=True)
    created_at = InstantField(default=now)
    used_at = InstantField(null=True)


class ApiKey(Table):
    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, backref="keys", on_delete="CASCADE")
    name = CharField(max_length=100)
    prefix = CharField(max_length=24, unique=True)
    key_hash = CharField(max_length=64)  # SHA-256, hex
    scopes = JSONField(default=list)  # send, read, cancel
    from_domains = JSONField(null=True)  # None: any that its sender may use
    to_domains = JSONField(null=True)  # None: anybody
    created_at = InstantField(default=now)
    created_by = CharField(max_length=254, null=True)
    used_at = InstantField(null=True)
    used_ip = CharField(max_length=64, null=True)
    revoked_at = InstantField(null=True)
