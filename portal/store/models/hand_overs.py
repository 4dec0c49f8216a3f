"""One-time links through which somebody without an account gives credentials."""

from __future__ import annotations

from peewee import CharField, ForeignKeyField, IntegerField, JSONField

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import Tenant
from portal.store.models.senders import Sender


class HandOver(Table):
    """`token_hash` finds it; `opens` are the fields that may be given through it;
    `version` is the number of the version that came of it."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    token_hash = CharField(max_length=64, unique=True)  # SHA-256, hex
    opens = JSONField(default=list)
    created_at = InstantField(default=now)
    created_by = CharField(max_length=254, null=True)
    expires_at = InstantField()
    revoked_at = InstantField(null=True)
    used_at = InstantField(null=True)
    used_ip = CharField(max_length=64, null=True)
    version = IntegerField(null=True)
