"""What bad input gets: a problem document that names the field."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from portal.services import keys
from tests.api.conftest import MAIL, Caller, count


def problem(answer, status: int) -> list[str]:
    """The fields that a problem of this status names."""
    assert answer.status_code == status, answer.data
    assert answer.mimetype == "application/problem+json"
    document = answer.json
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return [row["field"] for row in document.get("errors", ())]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subjekt": "x"}, "subjekt"),
        ({"to": "nobody"}, "to[0]"),
        ({"to": ["lee@example.com", "b@x@y"]}, "to[1]"),
        ({"to": {"email": "lee@example.com", "nick": "L"}}, "to[0]"),
        ({"to": []}, "to"),
        ({"to": 5}, "to[0]"),
        ({"cc": "a@x, b@y"}, "cc[0]"),
        ({"subject": 5}, "subject"),
        ({"subject": "a\r\nBcc: x@example.org"}, "subject"),
        ({"subject": "=?utf-8?q?a=0D=0ABcc:_e@x?="}, "subject"),
        ({"text": None, "html": None}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"kind": "newsletter"}, "kind"),
        ({"headers": {"Bcc": "x@example.org"}}, "headers"),
        ({"headers": {"X-A": "1\r\nBcc: x@example.org"}}, "headers"),
        ({"headers": {"X-A": 1}}, "headers.X-A"),
        (
            {"attachments": [{"filename": "a", "content": "!"}]},
            "attachments[0].content",
        ),
        ({"attachments": [{"filename": "a"}]}, "attachments[0].content"),
        ({"tags": {"": "x"}}, "tags"),
        ({"scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"scheduled_at": "2026-11-21T09:00:00"}, "scheduled_at"),
        ({"scheduled_at": "2999-01-01T00:00:00Z"}, "scheduled_at"),
        ({"expires_in_s": True}, "expires_in_s"),
        ({"expires_in_s": 0}, "expires_in_s"),
        ({"expires_in_s": 10**7}, "expires_in_s"),
        ({"from": "not an address"}, "from"),
    ],
)
def test_a_wrong_field_is_named(caller, change, field):
    fields = problem(caller.post({**MAIL, **change}), 400)

    assert any(each.startswith(field) for each in fields), fields
    assert count() == 0


def test_every_wrong_field_is_named_at_once(caller):
    fields = problem(caller.post({"to": "x", "subject": 1, "body": "y"}), 400)

    assert set(fields) == {"to[0]", "subject", "body"}


def test_a_field_that_is_nearly_right_gets_a_hint(caller):
    answer = caller.post({**MAIL, "atachments": []})

    assert "attachments" in answer.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b'{"to": NaN}',
        b'{"to": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50 + b"1" + b"}" * 50,
        b'{"expires_in_s": ' + b"9" * 5000 + b"}",
        b'"text"',
        b"7",
        b"null",
    ],
)
def test_a_body_that_is_no_mail(caller, body):
    problem(caller.post(body), 400)


def test_a_field_that_stands_there_twice_is_named(caller):
    body = b'{"to": "a@example.com", "text": "x", "to": "b@example.com"}'

    assert problem(caller.post(body), 400) == ["to"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic eDp5"])
def test_without_a_key(client, authorization):
    answer = client.post("/send", json=MAIL, headers={"Authorization": authorization})

    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key(client, owner):
    made = keys.make(owner, name="old")
    keys.revoke(owner, made.id)

    problem(Caller(client, made.key).post(MAIL), 401)


def test_a_key_without_the_scope(client, owner):
    reader = Caller(client, keys.make(owner, name="reader", scopes=("read",)).key)

    problem(reader.post(MAIL), 403)
    assert count() == 0


def test_a_body_of_another_kind(caller):
    answer = caller.ask("POST", "/send", data=b"<mail/>", content_type="text/xml")

    problem(answer, 415)


def test_json_in_a_form_is_told_from_a_form(caller):
    """`curl -d '{…}'` without its content type."""
    answer = caller.ask(
        "POST",
        "/send",
        data=b'{"to": "lee@example.com"}',
        content_type="application/x-www-form-urlencoded",
    )

    problem(answer, 415)
    assert "application/json" in answer.json["detail"]


def test_too_many_bytes(caller):
    body = b'{"text": "' + b"x" * (36 * 1024 * 1024) + b'"}'

    problem(caller.post(body), 413)


def test_a_mail_of_several_megabytes_is_taken(caller):
    assert caller.post({**MAIL, "text": "x\n" * 2_000_000}).status_code == 202


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/send"), ("PATCH", "/send/x"), ("POST", "/send/x")]
)
def test_a_wrong_method(caller, method, path):
    answer = caller.ask(method, path)

    problem(answer, 405)
    assert answer.headers["Allow"]


def test_no_way_for_mail_at_all(installation, owner):
    bare = dataclasses.replace(installation, sandbox_port=lambda: None)
    client = create_app(installation=bare).test_client()
    answer = Caller(client, keys.make(owner, name="script").key).post(MAIL)

    problem(answer, 503)
    assert answer.headers["Retry-After"]
    assert count() == 0


def test_a_key_sends_a_hundred_a_minute(caller):
    assert caller.post([MAIL] * 100).status_code == 202

    answer = caller.post(MAIL)

    problem(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0
    assert count() == 100


def test_who_answers_later_may_queue_beyond_the_rate(caller):
    from portal.store.fields import now
    from portal.store.models import Recipient

    caller.post([MAIL] * 100)

    answer = caller.post(MAIL, Prefer="respond-async")

    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    newest = Recipient.select().order_by(Recipient.id.desc()).get()
    assert newest.next_at > now()


def test_a_refusal_leaves_nothing_behind(caller, owner):
    from portal.services import quota

    caller.post({**MAIL, "to": "nobody"})

    assert quota.used(owner.tenant) == 0
