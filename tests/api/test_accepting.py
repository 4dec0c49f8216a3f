"""POST /send: what is accepted, and what stands in the database by then."""

from __future__ import annotations

import base64
import email
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from portal.services import quota
from portal.store.fields import now
from portal.store.models import AuditEvent, Message, MessageContent, Recipient
from tests.api.conftest import MAIL, count


@pytest.mark.usefixtures("both_databases")
def test_a_mail_is_accepted_and_stands_in_the_database(caller, owner):
    answer = caller.post(MAIL)

    assert answer.status_code == 202
    document = answer.json
    assert document["status"] == "queued"
    assert document["recipients"] == [
        {"address": "lee@example.com", "status": "queued"}
    ]
    assert set(document) == {"id", "status", "message_id", "captured", "recipients"}
    assert answer.headers["Location"] == f"/send/{document['id']}"
    message = Message.get(Message.public_id == document["id"])
    assert message.message_id == document["message_id"]
    assert message.subject == "Hello"
    assert message.key.name == "script"
    content = MessageContent.get(MessageContent.message == message.id)
    assert bytes(content.body).strip() == b"Hi Lee."
    assert quota.used(owner.tenant) == 1
    event = AuditEvent.get(AuditEvent.event == "email.accepted")
    assert event.subject_id == document["id"]


def test_without_any_other_way_it_says_that_it_is_captured(caller):
    assert caller.post(MAIL).json["captured"] is True


def test_through_a_sender_it_is_not_captured(caller, owner, make):
    make.sender(owner.tenant)

    document = caller.post(MAIL).json

    assert document["captured"] is False
    assert document["message_id"].endswith("@example.org>")  # the sender's domain


def test_every_way_to_write_an_address(caller):
    answer = caller.post(
        {
            **MAIL,
            "to": ["lee@example.com", {"email": "ann@exämple.com", "name": "Ann"}],
            "cc": "Bo <bo@example.com>",
            "bcc": ["cy@example.com", "lee@example.com"],
        }
    )

    addresses = [row["address"] for row in answer.json["recipients"]]
    assert addresses == [
        "lee@example.com",
        "ann@xn--exmple-cua.com",
        "bo@example.com",
        "cy@example.com",
    ]
    (content,) = MessageContent.select()
    assert b"cy@example.com" not in bytes(content.headers)


def test_attachments_headers_and_tags(caller):
    answer = caller.post(
        {
            **MAIL,
            "html": "<p>Hi</p>",
            "headers": {"X-Order": "17"},
            "tags": {"order": "17"},
            "kind": "invitation",
            "attachments": [
                {
                    "filename": "a.txt",
                    "content": base64.b64encode(b"hello").decode(),
                    "content_type": "text/plain",
                }
            ],
        }
    )

    assert answer.status_code == 202
    (message,) = Message.select()
    assert (message.kind, message.tags) == ("invitation", {"order": "17"})
    (content,) = MessageContent.select()
    parsed = email.message_from_bytes(bytes(content.headers) + b"\r\n" + content.body)
    assert parsed["X-Order"] == "17"
    (file,) = [part for part in parsed.walk() if part.get_filename() == "a.txt"]
    assert file.get_payload(decode=True) == b"hello"


def test_a_form_as_curl_sends_it(caller):
    answer = caller.ask(
        "POST",
        "/send",
        data={
            "to": ["lee@example.com", "ann@example.com"],
            "subject": "Hello",
            "text": "Hi.",
            "tags[order]": "17",
            "expires_in_s": "600",
            "attachments": (BytesIO(b"hello"), "a.txt"),
        },
        content_type="multipart/form-data",
    )

    assert answer.status_code == 202, answer.json
    assert len(answer.json["recipients"]) == 2
    (message,) = Message.select()
    assert message.tags == {"order": "17"}
    (content,) = MessageContent.select()
    assert b"a.txt" in bytes(content.body)


def test_a_simple_form(caller):
    answer = caller.ask(
        "POST", "/send", data={"to": "lee@example.com", "text": "Hi.", "subject": "x"}
    )

    assert answer.status_code == 202


def test_a_batch_is_accepted_in_order(caller):
    answer = caller.post([{**MAIL, "subject": str(number)} for number in range(5)])

    assert answer.status_code == 202
    ids = [row["id"] for row in answer.json["messages"]]
    subjects = [Message.get(Message.public_id == key).subject for key in ids]
    assert subjects == ["0", "1", "2", "3", "4"]
    assert "Location" not in answer.headers


def test_a_batch_with_one_fault_is_not_accepted_at_all(caller):
    answer = caller.post([MAIL, {**MAIL, "to": "nobody"}, {**MAIL, "subjekt": "x"}])

    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"].startswith("[1].to")
    assert count() == 0


def test_a_batch_that_fails_when_composed_names_its_place(caller):
    answer = caller.post([MAIL, {"to": "lee@example.com"}])

    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"] == "[1].text"
    assert count() == 0


@pytest.mark.parametrize("batch", [[], [MAIL] * 101])
def test_a_batch_has_one_to_a_hundred(caller, batch):
    assert caller.post(batch).status_code == 400
    assert count() == 0


def test_a_scheduled_mail_is_due_at_its_time(caller):
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)

    caller.post({**MAIL, "scheduled_at": at.isoformat()})

    (recipient,) = Recipient.select()
    assert recipient.next_at == at
    assert recipient.expires_at == at + timedelta(days=3)


@pytest.mark.parametrize(
    ("more", "life"),
    [
        ({"kind": "otp"}, timedelta(minutes=10)),
        ({}, timedelta(days=3)),
        ({"expires_in_s": 3600}, timedelta(hours=1)),
    ],
)
def test_how_long_a_mail_lives(caller, more, life):
    caller.post({**MAIL, **more})

    (recipient,) = Recipient.select()
    assert abs(recipient.expires_at - now() - life) < timedelta(minutes=1)


def test_a_from_that_the_sender_allows(caller, owner, make):
    make.sender(owner.tenant, allowed_from=["example.net"])

    answer = caller.post({**MAIL, "from": "Kim <kim@example.net>"})

    assert answer.status_code == 202
    assert answer.json["message_id"].endswith("@example.net>")


def test_a_from_that_the_sender_does_not_allow(caller, owner, make):
    make.sender(owner.tenant)

    answer = caller.post({**MAIL, "from": "ceo@bank.example"})

    assert answer.status_code == 400
    assert answer.json["errors"][0]["field"] == "from"
    assert count() == 0


@pytest.mark.usefixtures("both_databases")
def test_the_last_of_a_quota(client, make, owner):
    from portal.services import keys
    from portal.store.models import Tenant
    from tests.api.conftest import Caller

    Tenant.update(quota=2).where(Tenant.id == owner.tenant.id).execute()
    caller = Caller(client, keys.make(owner, name="script").key)
    assert (
        caller.post({**MAIL, "to": ["a@x.example", "b@x.example"]}).status_code == 202
    )

    answer = caller.post(MAIL, Prefer="respond-async")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert count() == 1
