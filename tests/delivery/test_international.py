"""A mail with an address beyond ASCII, composed by us and taken by a relay."""

from __future__ import annotations

from datetime import UTC, datetime

from portal.address import Named, parse_mailbox
from portal.mail.compose import compose
from portal.mail.render import render
from portal.mail.types import Draft, Identity
from tests.delivery.asking import relay_at, submit

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLAIN = Named(parse_mailbox("lee@example.net"))
BEYOND = Named(parse_mailbox("jürgen@example.net"))


def test_the_header_alone_asks_for_smtputf8(sink):
    """The other recipient was settled by an earlier attempt: the envelope of this one
    is ASCII and the header still is not (RFC 6531 §3.6)."""
    server = sink()
    draft = Draft(to=(PLAIN, BEYOND), subject="Grüße", text="hello")
    content = compose(draft, domain="acme.example", tenant_code="t1", now=NOW)
    identity = Identity(from_=Named(parse_mailbox("kim@acme.example"), "Kïm"))
    envelope, mail = render(content, identity, ("lee@example.net",))

    outcome = submit(relay_at(server), envelope, mail)

    assert outcome.status == "sent"
    assert server.mails[0].content == mail
    sent = [line.text for line in outcome.transcript if line.who == "C"]
    assert any(line.startswith("MAIL FROM:") and "SMTPUTF8" in line for line in sent)


def test_an_ascii_mail_asks_for_nothing_more(sink):
    server = sink()
    draft = Draft(to=(PLAIN,), subject="Grüße", text="Grüße", html="<p>Grüße</p>")
    content = compose(draft, domain="acme.example", tenant_code="t1", now=NOW)
    identity = Identity(from_=Named(parse_mailbox("kim@acme.example"), "Kïm"))
    envelope, mail = render(content, identity, ("lee@example.net",))

    outcome = submit(relay_at(server), envelope, mail)

    assert server.mails[0].content == mail
    sent = [line.text for line in outcome.transcript if line.who == "C"]
    assert not any("SMTPUTF8" in line or "8BITMIME" in line for line in sent)
