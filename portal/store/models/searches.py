"""Searches for a relay, as a page follows them."""

from __future__ import annotations

from peewee import CharField, ForeignKeyField, JSONField

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import Person, Tenant


class Search(Table):
    """One address or host whose relay is looked for. `ways` are the doors seen so
    far, `hosts` all that were looked at."""

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    person = ForeignKeyField(Person, null=True, on_delete="SET NULL")
    asked = CharField(max_length=254)
    state = CharField(max_length=16, default="waiting")  # running, done
    owner = CharField(max_length=64, null=True)  # the process that runs it
    ways = JSONField(default=list)
    hosts = JSONField(default=list)
    outcome = JSONField(null=True)
    created_at = InstantField(default=now)
    started_at = InstantField(null=True)
    ended_at = InstantField(null=True)

    class Meta:
        indexes = ((("state", "created_at"), False),)
