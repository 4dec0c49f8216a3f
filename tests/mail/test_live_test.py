"""The mail of a live test says what it is and nothing that a tenant typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from portal.address import Mailbox, Named
from portal.mail import live_test
from portal.mail.compose import compose

KIM = Named(Mailbox("kim", "example.org"))


def test_it_differs_by_nothing_but_address_and_time():
    now = datetime(2026, 11, 21, 10, 5, 7, tzinfo=timezone(timedelta(hours=1)))
    draft = live_test.test_message(KIM, now=now)

    assert draft.to == (KIM,)
    assert draft.subject == "Test from SMTP Portal"
    assert "09:05:07 on 21 November 2026 UTC" in (draft.text or "")
    assert not draft.headers


def test_it_can_be_composed():
    now = datetime(2026, 11, 21, tzinfo=UTC)
    draft = live_test.test_message(KIM, now=now)
    content = compose(draft, domain="acme.example", tenant_code="t1", now=now)

    assert b"multipart/alternative" in content.headers
