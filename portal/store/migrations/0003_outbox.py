"""The outbox: messages, their content, recipients, attempts, idempotency keys."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    Database,
    ForeignKeyField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Frozen(Model):
    class Meta:
        legacy_table_names = False


class Tenant(Frozen):
    """Only its key, like the next two."""


class ApiKey(Frozen):
    """Only its key."""


class SenderVersion(Frozen):
    """Only its key."""


class Message(Frozen):
    public_id = CharField(max_length=32, unique=True)
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    key = ForeignKeyField(ApiKey, null=True, on_delete="SET NULL")
    origin = CharField(max_length=16)
    message_id = CharField(max_length=320)
    subject = TextField()
    shown_to = TextField()
    kind = CharField(max_length=16)
    tags = JSONField()
    size_bytes = IntegerField()
    state = CharField(max_length=16)
    captured = BooleanField()
    attempts = IntegerField()
    cancel_asked = BooleanField()
    scheduled_at = BigIntegerField(null=True)
    expires_at = BigIntegerField()
    accepted_at = BigIntegerField()
    settled_at = BigIntegerField(null=True)

    class Meta:
        indexes = (
            (("tenant", "id"), False),
            (("tenant", "state", "id"), False),
            (("tenant", "accepted_at"), False),
        )


class MessageContent(Frozen):
    message = ForeignKeyField(Message, primary_key=True, on_delete="CASCADE")
    date = BigIntegerField()
    headers = BlobField()
    body = BlobField()
    sha256 = CharField(max_length=64)
    eight_bit = BooleanField()
    asked_from = JSONField(null=True)
    asked_reply_to = JSONField()


class Recipient(Frozen):
    message = ForeignKeyField(Message, on_delete="CASCADE")
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    position = IntegerField()
    field = CharField(max_length=4)
    address = CharField(max_length=320)
    state = CharField(max_length=16)
    token = IntegerField()
    tries = IntegerField()
    recovered = IntegerField()
    internal_errors = IntegerField()
    uncertain_count = IntegerField()
    next_at = BigIntegerField(null=True)
    held_fence = BigIntegerField(null=True)
    retry_at = BigIntegerField(null=True)
    expires_at = BigIntegerField()
    cancel_asked = BooleanField()
    reply = JSONField(null=True)
    stage = CharField(max_length=16, null=True)
    settled_at = BigIntegerField(null=True)
    decided_by = CharField(max_length=254, null=True)

    class Meta:
        indexes = (
            (("message", "position"), True),
            (("tenant", "address"), False),
        )
        constraints = (
            Check(
                "state IN ('queued','sending','sent','deferred','failed',"
                "'uncertain','expired','cancelled')"
            ),
        )


Recipient.add_index(
    Recipient.tenant,
    Recipient.next_at,
    name="recipient_due",
    where=SQL("state IN ('queued', 'deferred')"),
)
Recipient.add_index(
    Recipient.held_fence, name="recipient_held", where=SQL("held_fence IS NOT NULL")
)
Recipient.add_index(
    Recipient.expires_at,
    name="recipient_expiry",
    where=SQL("state IN ('queued', 'deferred', 'uncertain')"),
)
Recipient.add_index(
    Recipient.tenant,
    Recipient.settled_at,
    name="recipient_settled",
    where=SQL("settled_at IS NOT NULL"),
)
Recipient.add_index(
    Recipient.retry_at, name="recipient_retry", where=SQL("state = 'uncertain'")
)


class Attempt(Frozen):
    message = ForeignKeyField(Message, on_delete="CASCADE")
    number = IntegerField()
    recipients = JSONField()
    route = CharField(max_length=16)
    version = ForeignKeyField(SenderVersion, null=True, on_delete="RESTRICT")
    claimed_fence = BigIntegerField()
    owner = CharField(max_length=64)
    lease_until = BigIntegerField(null=True)
    started_at = BigIntegerField()
    dot_at = BigIntegerField(null=True)
    dot_recipients = JSONField(null=True)
    answer = CharField(max_length=8, null=True)
    ended_at = BigIntegerField(null=True)
    outcome = CharField(max_length=16, null=True)
    stage = CharField(max_length=16, null=True)
    relay = CharField(max_length=300, null=True)
    reply = JSONField(null=True)
    failure = JSONField(null=True)
    diagnosis = JSONField(null=True)
    ms = IntegerField(null=True)
    transcript = JSONField()

    class Meta:
        indexes = ((("message", "number"), True),)


Attempt.add_index(
    Attempt.lease_until, name="attempt_open", where=SQL("ended_at IS NULL")
)
Attempt.add_index(
    Attempt.claimed_fence,
    name="attempt_open_dot",
    where=SQL("dot_at IS NOT NULL AND answer IS NULL"),
)


class IdempotencyKey(Frozen):
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    key = CharField(max_length=255)
    fingerprint = CharField(max_length=64)
    status = IntegerField()
    body = TextField()
    created_at = BigIntegerField()
    expires_at = BigIntegerField()

    class Meta:
        indexes = ((("tenant", "key"), True),)


TABLES = (Message, MessageContent, Recipient, Attempt, IdempotencyKey)


def up(migrator: SchemaMigrator, db: Database) -> None:
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES, safe=False)
