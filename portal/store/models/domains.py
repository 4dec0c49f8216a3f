"""Checks of senders' domains, what became of them by day, and who watches."""

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
from portal.store.models.people import Person, Tenant
from portal.store.models.senders import Sender, SenderVersion


class DomainCheck(Table):
    """One report to make, of one version; `checks` grow while it runs. `about` says
    what it was asked of, so that a later version can tell whether it still holds."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    version = ForeignKeyField(SenderVersion, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    why = CharField(max_length=16)  # asked, changed, daily
    about = CharField(max_length=64)
    domain = CharField(max_length=254)
    state = CharField(max_length=16, default="waiting")  # running, done
    owner = CharField(max_length=64, null=True)  # the process that runs it
    checks = JSONField(default=list)
    status = CharField(max_length=16, null=True)  # None at the end: interrupted
    created_at = InstantField(default=now)
    started_at = InstantField(null=True)
    ended_at = InstantField(null=True)

    class Meta:
        indexes = ((("state", "created_at"), False), (("sender", "id"), False))


class DomainWatch(Table):
    """The watch over a sender: what is known of each check, and what was told.

    `version_id` was asked about last, `subject` is the domain and the provider that
    `known` is about. `told` are checks that have turned, until they are green again.
    """

    sender = ForeignKeyField(Sender, primary_key=True, on_delete="CASCADE")
    is_on = BooleanField(default=True)
    version_id = IntegerField(default=0)
    due_at = InstantField()
    subject = CharField(max_length=320, default="")
    known = JSONField(default=dict)  # check -> status, reasons, title, at
    told = JSONField(default=dict)  # check -> was, status, sentence, since


class DomainVerdict(Table):
    """What the checks of a sender came to on one day (UTC)."""

    sender = ForeignKeyField(Sender, on_delete="CASCADE")
    day = CharField(max_length=10)  # 2026-11-21
    at = InstantField()
    status = CharField(max_length=16)
    statuses = JSONField()
    changes = JSONField()

    class Meta:
        indexes = ((("sender", "day"), True),)
