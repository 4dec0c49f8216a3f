"""Lines 1 and 2: a mail is accepted with all its rows or with none."""

from __future__ import annotations

import pytest

from portal.address import parse_named
from portal.errors import Mismatch, TooMany
from portal.mail.types import Draft
from portal.services import quota, sending
from portal.services.sending import Accepted, Idempotency
from portal.store.models import (
    AuditEvent,
    IdempotencyKey,
    Message,
    MessageContent,
    Recipient,
    Tenant,
)

pytestmark = pytest.mark.usefixtures("both_databases")

TO = (parse_named("lee@example.com"), parse_named("ann@example.com"))
DRAFT = Draft(to=TO, subject="Hello", text="Hi.")
ROWS = (Message, MessageContent, Recipient, IdempotencyKey, AuditEvent)


@pytest.fixture(autouse=True)
def sender(owner, make):
    return make.sender(owner.tenant)


def accept(actor, key: str = "order-17", fingerprint: str = "f") -> Accepted:
    asked = Idempotency(
        key=key,
        fingerprint=fingerprint,
        answer=lambda messages: (202, ",".join(each.id for each in messages)),
    )
    return sending.accept(actor, [DRAFT], idempotency=asked)


def rows() -> list[int]:
    return [table.select().count() for table in ROWS]


def test_line_1_all_rows_come_with_one_commit(owner):
    (message,) = accept(owner).messages

    assert rows() == [1, 1, 2, 1, 1]
    row = Message.get()
    assert (row.public_id, row.state) == (message.id, "queued")
    assert [each.state for each in Recipient.select()] == ["queued", "queued"]
    assert IdempotencyKey.get().body == message.id
    assert AuditEvent.get().event == "email.accepted"
    assert quota.used(owner.tenant) == 2


def test_line_1_beyond_the_quota_no_row_is_left(owner):
    """Its key is free as well: the same request may come again next month."""
    Tenant.update(quota=1).execute()

    with pytest.raises(TooMany):
        accept(owner)

    assert rows() == [0, 0, 0, 0, 0]
    assert quota.used(owner.tenant) == 0
    Tenant.update(quota=2).execute()
    assert len(accept(owner).messages) == 1


def test_line_2_a_known_key_gets_the_saved_answer_and_writes_nothing(owner):
    (message,) = accept(owner).messages
    before = rows()

    again = accept(owner)

    assert again.messages == ()
    assert again.replay is not None
    assert again.replay.body == message.id
    assert rows() == before
    assert quota.used(owner.tenant) == 2


def test_line_2_another_request_with_the_key_is_told_apart(owner):
    accept(owner)
    before = rows()

    with pytest.raises(Mismatch):
        accept(owner, fingerprint="of another request")

    assert rows() == before
