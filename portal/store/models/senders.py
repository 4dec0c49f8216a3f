"""Senders, their immutable versions, the route of a tenant, and live tests."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    CharField,
    ForeignKeyField,
    IntegerField,
    JSONField,
)

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import BrowserSession, Person, Tenant


class Sender(Table):
    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, backref="senders", on_delete="CASCADE")
    name = CharField(max_length=100)
    latest = IntegerField(default=0)  # number of the newest version
    created_at = InstantField(default=now)
    deleted_at = InstantField(null=True)


Sender.add_index(
    Sender.tenant,
    Sender.name,
    unique=True,
    name="sender_name",
    where=SQL("deleted_at IS NULL"),
)


class SenderVersion(Table):
    """One save. `settings` are the fields of a sender without any secret;
    `digest` is keyed and covers all that a live test proves, secrets included."""

    sender = ForeignKeyField(Sender, backref="versions", on_delete="CASCADE")
    number = IntegerField()
    provider = CharField(max_length=64)
    settings = JSONField()
    digest = CharField(max_length=64, default="")
    created_at = InstantField(default=now)
    created_by = CharField(max_length=254, null=True)
    tested_at = InstantField(null=True)
    test_status = CharField(max_length=16, null=True)

    class Meta:
        indexes = ((("sender", "number"), True),)


class SenderSecret(Table):
    """A sealed secret of one version, bound to its row."""

    version = ForeignKeyField(SenderVersion, backref="secrets", on_delete="CASCADE")
    field = CharField(max_length=40)
    sealed = BlobField()
    created_at = InstantField(default=now)
    created_by = CharField(max_length=254, null=True)

    class Meta:
        indexes = ((("version", "field"), True),)


class Route(Table):
    """Where a tenant's mail goes. `fence` grows with every change of it.

    While the platform default stands in for a sender in trouble, the version to
    return to is `fallback_version_id`, and `probe_at` says when it is tried next."""

    tenant = ForeignKeyField(Tenant, primary_key=True, on_delete="CASCADE")
    active_version = ForeignKeyField(SenderVersion, null=True, on_delete="RESTRICT")
    fence = BigIntegerField(default=0)
    changed_at = InstantField(default=now)
    fallback_version_id = IntegerField(null=True)  # versions are never removed
    fallback_at = InstantField(null=True)
    fallback_why = JSONField(null=True)  # {"title", "cause", "relay", "failures"}
    probe_at = InstantField(null=True)
    probes = IntegerField(default=0)  # since it last worked, over relapses too


class Standing(Table):
    """How a sender stands with its relay, for all processes: what holds it back,
    the share of its pace that it has left, its failures in a row."""

    name = CharField(max_length=64, primary_key=True)  # "sender 12", "platform"
    held_until = InstantField(null=True)
    held_why = CharField(max_length=16, null=True)  # pace, throttle
    share = IntegerField(default=100)  # percent, as the last throttling left it
    throttles = IntegerField(default=0)  # in a row
    throttled_at = InstantField(null=True)
    failures = IntegerField(default=0)  # in a row
    failed_at = InstantField(null=True)


class LiveTest(Table):
    """A test to run now: settings in clear, secrets sealed and kept 15 minutes.
    Of kind `preflight` it stops before it sends.

    `digest` is a version's; `message_id` finds the capture of a sandbox test."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, backref="live_tests", on_delete="CASCADE")
    sender = ForeignKeyField(Sender, null=True, on_delete="SET NULL")
    version = ForeignKeyField(SenderVersion, null=True, on_delete="SET NULL")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    session = ForeignKeyField(BrowserSession, null=True, on_delete="SET NULL")
    to_address = CharField(max_length=254)
    settings = JSONField()
    sealed = BlobField(null=True)
    digest = CharField(max_length=64, default="")
    message_id = CharField(max_length=320, null=True, index=True)
    kind = CharField(max_length=16, default="mail")  # preflight
    state = CharField(max_length=16, default="waiting")  # running, stopping, done
    owner = CharField(max_length=64, null=True)  # the process that runs it
    steps = JSONField(default=list)
    outcome = JSONField(null=True)
    created_at = InstantField(default=now)
    started_at = InstantField(null=True)
    ended_at = InstantField(null=True)
    expires_at = InstantField()

    class Meta:
        indexes = ((("state", "created_at"), False),)
