"""The outbox: accepted messages, their recipients and every attempt.

What each column is for stands with the transitions in `services/outbox`.
Content is apart from the hot row, written once and never changed.
"""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
    JSONField,
    TextField,
)

from portal.store.fields import InstantField, now
from portal.store.models.base import PublicIdField, Table
from portal.store.models.people import ApiKey, Tenant
from portal.store.models.senders import SenderVersion


class Message(Table):
    public_id = PublicIdField()
    tenant = ForeignKeyField(Tenant, backref="messages", on_delete="CASCADE")
    key = ForeignKeyField(ApiKey, null=True, on_delete="SET NULL")
    origin = CharField(max_length=16, default="api")  # api, portal
    message_id = CharField(max_length=320)  # header form, with <>
    subject = TextField(default="")
    shown_to = TextField(default="")  # the first recipient, "and 11 others"
    kind = CharField(max_length=16, default="other")
    tags = JSONField(default=dict)
    size_bytes = IntegerField(default=0)
    state = CharField(max_length=16, default="queued")  # derived from the recipients
    captured = BooleanField(default=False)
    attempts = IntegerField(default=0)  # the number of the newest attempt
    cancel_asked = BooleanField(default=False)
    scheduled_at = InstantField(null=True)
    expires_at = InstantField()
    accepted_at = InstantField(default=now)
    settled_at = InstantField(null=True)

    class Meta:
        indexes = (
            (("tenant", "id"), False),
            (("tenant", "state", "id"), False),
            (("tenant", "accepted_at"), False),  # the last 24 hours, the last 7 days
        )


class MessageContent(Table):
    """The frozen bytes of a message and what From and Reply-To the caller asked."""

    message = ForeignKeyField(Message, primary_key=True, on_delete="CASCADE")
    date = InstantField()
    headers = BlobField()
    body = BlobField()
    sha256 = CharField(max_length=64)
    eight_bit = BooleanField(default=False)
    asked_from = JSONField(null=True)
    asked_reply_to = JSONField(default=list)


class Recipient(Table):
    """One address with its own state. `token` is the attempt that
    last claimed it, 0 before the first."""

    message = ForeignKeyField(Message, backref="recipients", on_delete="CASCADE")
    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    position = IntegerField()
    field = CharField(max_length=4, default="to")  # to, cc, bcc
    address = CharField(max_length=320)
    state = CharField(max_length=16, default="queued")
    token = IntegerField(default=0)
    tries = IntegerField(default=0)  # attempts that count for the back-off
    recovered = IntegerField(default=0)  # times a lease ended before the mark
    internal_errors = IntegerField(default=0)
    uncertain_count = IntegerField(default=0)
    next_at = InstantField(null=True)
    # Deferred for the sender's sake at this fence: a move of the route ends the wait.
    held_fence = BigIntegerField(null=True)
    retry_at = InstantField(null=True)
    expires_at = InstantField()
    cancel_asked = BooleanField(default=False)
    reply = JSONField(null=True)  # {"code", "enhanced", "text"} of the last answer
    stage = CharField(max_length=16, null=True)
    settled_at = InstantField(null=True)
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


# By tenant first: the claim takes turns between tenants.
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


class Attempt(Table):
    """One claim of a message and what came of it.

    `dot_at` is the durable mark, `dot_recipients` whom it covers; `answer` is
    NULL, "kept" or "not_kept". An open dot is a mark without an answer.
    """

    message = ForeignKeyField(Message, backref="attempt_rows", on_delete="CASCADE")
    number = IntegerField()
    recipients = JSONField()  # ids
    route = CharField(max_length=16)  # sender, platform, sandbox
    version = ForeignKeyField(SenderVersion, null=True, on_delete="RESTRICT")
    claimed_fence = BigIntegerField()
    owner = CharField(max_length=64)
    lease_until = InstantField(null=True)
    started_at = InstantField(default=now)
    dot_at = InstantField(null=True)
    dot_recipients = JSONField(null=True)
    answer = CharField(max_length=8, null=True)
    ended_at = InstantField(null=True)
    outcome = CharField(max_length=16, null=True)  # sent, partial, failed, ...
    stage = CharField(max_length=16, null=True)
    relay = CharField(max_length=300, null=True)  # host:port
    reply = JSONField(null=True)
    failure = JSONField(null=True)  # kind, words, exception
    diagnosis = JSONField(null=True)
    ms = IntegerField(null=True)
    transcript = JSONField(default=list)  # [who, text, failed]

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


class IdempotencyKey(Table):
    """A caller's key, its request and the saved answer."""

    tenant = ForeignKeyField(Tenant, on_delete="CASCADE")
    key = CharField(max_length=255)
    fingerprint = CharField(max_length=64)
    status = IntegerField()
    body = TextField()
    created_at = InstantField(default=now)
    expires_at = InstantField()

    class Meta:
        indexes = ((("tenant", "key"), True),)
