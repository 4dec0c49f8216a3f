"""Audit, captured mail, counters, and what the installation knows of itself."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BlobField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import Tenant


class AuditEvent(Table):
    """Append-only; `hash` is SHA-256 over the chain of one tenant."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, null=True, on_delete="RESTRICT")
    at = InstantField(default=now)
    event = CharField(max_length=64)
    actor = CharField(max_length=300)  # who, as shown: address, key name, "engine"
    ip = CharField(max_length=64, null=True)
    subject_kind = CharField(max_length=24, null=True)  # message, sender, key, ...
    subject_id = CharField(max_length=64, null=True)  # public id
    detail = JSONField(default=dict)
    previous = CharField(max_length=64)
    hash = CharField(max_length=64)

    class Meta:
        indexes = ((("tenant", "id"), False), (("tenant", "event", "id"), False))


class AuditHead(Table):
    """The end of a tenant's chain; tenant 0 is the installation's own."""

    tenant_id = IntegerField(primary_key=True)
    hash = CharField(max_length=64)
    length = BigIntegerField(default=0)


class Capture(Table):
    """A mail that the sandbox took."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, null=True, on_delete="CASCADE")
    message_ref = CharField(max_length=32, null=True)  # Message.public_id
    at = InstantField(default=now)
    reverse_path = CharField(max_length=320)
    recipients = JSONField()
    subject = TextField(default="")
    ehlo = CharField(max_length=300, default="")
    content = BlobField()

    class Meta:
        indexes = ((("tenant", "id"), False),)


class Counter(Table):
    """Uses within a window: quota of a month, sign-ins of 15 minutes, …"""

    name = CharField(max_length=300)
    window_at = InstantField()
    used = BigIntegerField(default=0)

    class Meta:
        indexes = ((("name", "window_at"), True),)


class Note(Table):
    """A name and a value about this installation: canary, platform fingerprint."""

    name = CharField(max_length=64, primary_key=True)
    value = BlobField()
