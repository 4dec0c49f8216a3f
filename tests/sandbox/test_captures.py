"""Captured mail belongs to the tenant whose message it was."""

from __future__ import annotations

import dataclasses

import pytest

from portal.errors import Forbidden, Missing
from portal.services import audit, captures
from portal.services.captures import Taken
from portal.store.fields import now
from portal.store.models import Capture, LiveTest


def taken(message_id: str, **more: object) -> Taken:
    content = (
        b"From: app@example.org\r\nSubject: Hello\r\nMessage-ID:\r\n %b\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain words\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>html words</p>\r\n--b--\r\n"
    ) % message_id.encode()
    mail = Taken(
        ehlo="portal.example.org",
        reverse_path="app@example.org",
        recipients=("kim@example.com",),
        content=content,
    )
    return dataclasses.replace(mail, **more)


def test_a_message_of_the_outbox_is_shown_to_its_tenant_alone(make, admin, stranger):
    message = make.message(admin.here)

    kept = captures.keep(taken(message.message_id))

    view = captures.capture(admin, kept)
    assert view.message_id == message.public_id
    assert (view.mail.text or "").strip() == "plain words"
    assert (view.mail.html or "").strip() == "<p>html words</p>"
    assert [row.id for row in captures.captures(admin)] == [kept]
    assert captures.captures(stranger) == []
    with pytest.raises(Missing):
        captures.capture(stranger, kept)


def test_the_mail_of_a_live_test_is_found_too(make, viewer):
    LiveTest.create(
        tenant=viewer.here.id,
        to_address="kim@example.com",
        settings={},
        message_id="<test@example.org>",
        expires_at=now(),
    )

    captures.keep(taken("<test@example.org>"))

    [row] = captures.captures(viewer)
    assert row.message_id is None


def test_what_no_tenant_sent_is_the_operators(owner, viewer):
    captures.keep(taken("<somebody@else.example>"))

    assert len(captures.captures(owner)) == 1
    assert captures.captures(viewer) == []


def test_a_viewer_reads_and_does_not_clear(make, viewer):
    captures.keep(taken(make.message(viewer.here).message_id))

    with pytest.raises(Forbidden):
        captures.clear(viewer)

    assert captures.count(viewer) == 1


def test_clearing_leaves_the_others_and_a_trace(make, admin, owner, stranger):
    captures.keep(taken(make.message(admin.here).message_id))
    captures.keep(taken(make.message(stranger.here).message_id))

    assert captures.clear(admin) == 1

    assert captures.count(admin) == 0
    assert captures.count(stranger) == 1
    [event] = audit.events(owner, event="sandbox.cleared").events
    assert event.detail == {"mails": 1}


def test_the_oldest_give_way(make, viewer, monkeypatch):
    monkeypatch.setattr(captures, "MOST", 3)
    message = make.message(viewer.here)
    kept = [captures.keep(taken(message.message_id)) for _ in range(5)]

    rows = captures.captures(viewer)

    assert [row.id for row in rows] == kept[:1:-1]


def test_after_seven_days_it_is_gone(make, viewer):
    kept = captures.keep(taken(make.message(viewer.here).message_id))
    old = now() - captures.KEPT
    Capture.update(at=old).where(Capture.public_id == kept).execute()

    assert captures.tidy() == 1

    assert captures.count(viewer) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no headers at all",
        b"Subject: \xff\xfe\r\nMessage-ID: none\r\n\r\n\x00\xff",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nwords",
        b"Content-Transfer-Encoding: base64\r\n\r\n%%%",
        b"Subject: =?utf-8?b?gICA?=\r\n\r\n",
    ],
)
def test_any_bytes_are_kept_and_shown(both_databases, owner, content):
    kept = captures.keep(taken("<x@example.org>", content=content))

    view = captures.capture(owner, kept)

    assert view.mail.size_bytes == len(content)
    assert "\0" not in view.mail.source + (view.mail.text or "") + view.subject
