"""Who a mail is from is judged at each attempt; the rest stays as it was."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from portal.address import Mailbox, Named, parse_mailbox
from portal.mail.compose import compose
from portal.mail.guard import UnsafeMail
from portal.mail.render import from_allowed, render
from portal.mail.types import Content, Draft, Identity

NOW = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
KIM = Named(Mailbox("kim", "example.org"))
SHOP = Named(Mailbox("no-reply", "acme.example"), "Acme Shop")
HELP = Named(Mailbox("help", "acme.example"), "Acme Help")
STAFF = Named(Mailbox("dana", "partner.example"), "Dana")


def content(**fields: object) -> Content:
    draft = Draft(to=(KIM,), subject="Hi", text="hello", **fields)
    return compose(draft, domain="acme.example", tenant_code="t1", now=NOW)


def shown(made: Content, identity: Identity) -> tuple[str, str | None]:
    _, raw = render(made, identity, ("kim@example.org",))
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    return message["From"], message["Reply-To"]


def test_the_sender_s_from_and_reply_to_stand_in_front():
    identity = Identity(from_=SHOP, reply_to=HELP)

    envelope, raw = render(content(), identity, ("kim@example.org",))

    assert raw.startswith(
        b"From: Acme Shop <no-reply@acme.example>\r\n"
        b"Reply-To: Acme Help <help@acme.example>\r\n"
    )
    assert envelope.reverse_path == "no-reply@acme.example"
    assert envelope.recipients == ("kim@example.org",)


def test_everything_behind_them_is_the_frozen_content():
    made = content()

    _, raw = render(made, Identity(from_=SHOP), ("kim@example.org",))

    assert raw.endswith(made.headers + b"\r\n" + made.body)


def test_the_reverse_path_of_the_sender_wins_over_from():
    identity = Identity(from_=SHOP, reverse_path=Mailbox("bounces", "acme.example"))

    envelope, _ = render(content(), identity, ("kim@example.org",))

    assert envelope.reverse_path == "bounces@acme.example"


@pytest.mark.parametrize(
    ("asked", "allowed", "reply_to", "wanted"),
    [
        (None, (), (), (SHOP, None)),
        (None, (), (STAFF,), (SHOP, STAFF)),
        (STAFF, ("partner.example",), (), (STAFF, None)),
        (STAFF, ("dana@partner.example",), (), (STAFF, None)),
        (STAFF, (), (), (SHOP, STAFF)),
        (STAFF, (), (HELP,), (SHOP, HELP)),
        (STAFF, ("kim@partner.example", "other.example"), (), (SHOP, STAFF)),
        (Named(SHOP.mailbox), (), (), (SHOP, None)),
        (
            Named(SHOP.mailbox, "Acme Billing"),
            (),
            (),
            (Named(SHOP.mailbox, "Acme Billing"), None),
        ),
    ],
)
def test_an_asked_from_is_taken_or_becomes_the_reply_to(
    asked, allowed, reply_to, wanted
):
    made = content(from_=asked, reply_to=reply_to)
    sender, answer = wanted

    assert shown(made, Identity(from_=SHOP, allowed_from=allowed)) == (
        str(sender),
        str(answer) if answer else None,
    )


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("no-reply@acme.example", True),
        ("No-Reply@ACME.example", True),
        ("other@acme.example", False),
        ("x@news.example", True),
        ("x@sub.news.example", False),
        ("x@badnews.example", False),
        ("dana@partner.example", True),
        ("kim@partner.example", False),
        ("x@xn--bcher-kva.example", True),
    ],
)
def test_allowed_from_names_addresses_and_exact_domains(address, allowed):
    identity = Identity(
        from_=SHOP,
        allowed_from=("@news.example", "dana@partner.example", "bücher.example", "???"),
    )

    assert from_allowed(parse_mailbox(address), identity) is allowed


@pytest.mark.parametrize(
    "line",
    [
        b"From: evil@x.example\r\n",
        b"Bcc: evil@x.example\r\n",
        b"Date: Sat, 21 Nov 2026 09:05:07 +0000\r\n",
        b"\r\nbody\r\n",
        b"broken",
    ],
)
def test_a_stored_header_that_was_tampered_with_is_not_sent(line):
    made = content()
    made = replace(made, headers=made.headers + line)

    with pytest.raises(UnsafeMail):
        render(made, Identity(from_=SHOP), ("kim@example.org",))


def test_a_name_that_would_break_out_of_from_is_not_sent():
    """The second guard holds where the first was not asked."""
    bad = Named(SHOP.mailbox, "x\r\nBcc: evil@x.example\r\nX-Y: ")

    with pytest.raises(UnsafeMail):
        render(content(), Identity(from_=bad), ("kim@example.org",))
