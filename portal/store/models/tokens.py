"""Access tokens that are kept, and consents that people are giving."""

from __future__ import annotations

from peewee import BlobField, CharField, ForeignKeyField, IntegerField, JSONField

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import BrowserSession, Person, Tenant
from portal.store.models.senders import Sender


class OAuthToken(Table):
    """The access token of one grant of a tenant, and the refresh token to date.

    `fingerprint` is a keyed hash of the settings and the secret that it began
    with, so that versions of a sender which carry the same secret share this row;
    `asked_with` one of what the last question held besides. `generation` counts
    the answers that were kept. While `refreshing_until` is to come, only
    `refreshing_by` may ask.
    """

    tenant = ForeignKeyField(Tenant, backref="tokens", on_delete="CASCADE")
    fingerprint = CharField(max_length=64)
    asked_with = CharField(max_length=64, default="")
    sealed = BlobField(null=True)
    generation = IntegerField(default=0)
    fresh_until = InstantField(null=True)
    refreshing_by = CharField(max_length=32, null=True)
    refreshing_until = InstantField(null=True)
    failures = IntegerField(default=0)  # in a row
    failed_at = InstantField(null=True)
    failure = JSONField(null=True)
    created_at = InstantField(default=now)

    class Meta:
        table_name = "oauth_token"
        indexes = ((("tenant", "fingerprint"), True),)


class OAuthConsent(Table):
    """A consent under way: begun in one browser session, used once.

    `state_hash` finds it again; `sealed` holds the verifier, and what was typed,
    until `expires_at`.
    """

    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    sender = ForeignKeyField(Sender, null=True, on_delete="SET NULL")
    person = ForeignKeyField(Person, null=True, on_delete="CASCADE")
    session = ForeignKeyField(BrowserSession, on_delete="CASCADE")
    state_hash = CharField(max_length=64, unique=True)
    settings = JSONField()
    sealed = BlobField(null=True)
    used_at = InstantField(null=True)
    created_at = InstantField(default=now)
    expires_at = InstantField(index=True)

    class Meta:
        table_name = "oauth_consent"
