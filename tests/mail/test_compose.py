"""A draft becomes bytes that any mail program reads as the same mail."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest

from portal.address import Mailbox, Named, parse_named
from portal.errors import Invalid
from portal.mail.compose import compose, recipients
from portal.mail.types import Attachment, Content, Draft

NOW = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
KIM = Named(Mailbox("kim", "example.org"))


def built(**fields: object) -> Content:
    given = {"to": (KIM,), "subject": "Hi", "text": "hello"} | fields
    return compose(Draft(**given), domain="acme.example", tenant_code="t1", now=NOW)


def read(content: Content) -> EmailMessage:
    """As a mail program reads it, by the standard library's parser."""
    raw = content.headers + b"\r\n" + content.body
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    return message


def test_the_smallest_mail_has_these_fields_and_no_other():
    """To, Subject, Date, Message-ID, Auto-Submitted and the three of MIME."""
    message = read(built())

    assert sorted(message.keys()) == [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == "hello\r\n"


def test_message_id_and_date_are_those_of_the_content():
    """<uuid4hex.tenantcode@from-domain>, and the instant given, in UTC."""
    content = built()

    assert re.fullmatch(r"<[0-9a-f]{32}\.t1@acme\.example>", content.message_id)
    assert read(content)["Message-ID"] == content.message_id
    assert read(content)["Date"] == "Sat, 21 Nov 2026 09:05:07 +0000"
    assert content.date == NOW


def test_two_mails_never_share_a_message_id():
    assert built().message_id != built().message_id


def test_blind_copies_are_recipients_and_nowhere_in_the_bytes():
    blind = Named(Mailbox("secret.reader", "example.net"), "Zorro")
    content = built(bcc=(blind,))

    assert b"secret" not in content.headers + content.body
    assert b"Zorro" not in content.headers + content.body
    draft = Draft(to=(KIM,), bcc=(blind, KIM))
    assert recipients(draft) == (("to", KIM.mailbox), ("bcc", blind.mailbox))


def test_only_blind_copies_leave_a_to_without_an_address():
    content = built(to=(), bcc=(KIM,))

    assert read(content)["To"] == "undisclosed-recipients:;"


@pytest.mark.parametrize(
    "name",
    [
        "Kim Lee",
        "Lee, Kim",
        'Kim "K" Lee',
        "Back\\slash",
        "Jörg Müller",
        "Müller, Jörg (Vertrieb)",
        "山田 太郎",
        "a  b",
        "Ünsal " * 30,
    ],
)
def test_a_display_name_survives(name):
    """Quoted or encoded as it needs, and read back as it was."""
    content = built(to=(Named(KIM.mailbox, name), KIM))

    # The older parser: the newer puts a space between two encoded words (3.11).
    message = email.message_from_bytes(content.headers)
    first, second = getaddresses([message["To"]])
    shown = str(make_header(decode_header(first[0])))
    assert (shown, first[1]) == (name.strip(), "kim@example.org")
    assert second == ("", "kim@example.org")


@pytest.mark.parametrize(
    "subject",
    [
        "Your code is 123456",
        "Rechnung für März",
        "日本語の件名" * 20,
        "a" * 990,
        "many words " * 80,
        "two  spaces   and three",
        "emoji 🎉🎉🎉" * 12,
    ],
)
def test_a_subject_survives(subject):
    assert read(built(subject=subject))["Subject"] == subject.strip()


def test_html_alone_gets_a_text_beside_it():
    """multipart/alternative with the plain text first."""
    message = read(built(text=None, html="<p>Hello <b>Kim</b></p>"))

    assert message.get_content_type() == "multipart/alternative"
    plain, shown = message.iter_parts()
    assert plain.get_content() == "Hello Kim\r\n"
    assert shown.get_content() == "<p>Hello <b>Kim</b></p>\r\n"


def test_an_attachment_and_an_inline_picture_have_their_places():
    """mixed[alternative[plain, related[html, picture]], file]."""
    picture = Attachment(
        filename="logo.png",
        content=b"\x89PNG",
        content_type="image/png",
        content_id="logo",
    )
    file = Attachment(filename="Größe.pdf", content=bytes(range(256)))
    message = read(built(html='<img src="cid:logo">', attachments=(picture, file)))

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/octet-stream",
    ]
    *_, inline, attached = message.walk()
    assert (inline["Content-ID"], inline.get_content_disposition()) == (
        "<logo>",
        "inline",
    )
    assert attached.get_filename() == "Größe.pdf"
    assert attached.get_content() == bytes(range(256))


def test_a_content_id_without_html_is_an_ordinary_attachment():
    file = Attachment(filename="a.txt", content=b"x", content_id="a")
    message = read(built(attachments=(file,)))

    assert message.get_content_type() == "multipart/mixed"
    assert [p.get_content_disposition() for p in message.iter_parts()] == [
        None,
        "attachment",
    ]


@pytest.mark.parametrize(
    "text", ["", "a\n", "x" * 5000, "Grüße\r\n.\r\nEnde", "=3D " * 99]
)
def test_a_text_survives_its_encoding(text):
    """Long lines, a line of one dot, letters beyond ASCII, what looks encoded."""
    shown = read(built(text=text)).get_content().replace("\r\n", "\n")

    wanted = text.replace("\r\n", "\n")
    assert shown == (wanted if wanted.endswith("\n") or not wanted else wanted + "\n")


def test_own_headers_are_written_as_they_are():
    """A long List-Unsubscribe stays one unbroken word: programs read it."""
    link = "<https://acme.example/u?" + "x" * 400 + ">"
    headers = {
        "List-Unsubscribe": link,
        "X-Ticket": "Ärger 7",
        "In-Reply-To": "<a@b.c>",
    }
    content = built(headers=headers)

    assert b"List-Unsubscribe: " + link.encode() + b"\r\n" in content.headers
    message = read(content)
    assert message["X-Ticket"] == "Ärger 7"
    assert message["In-Reply-To"] == "<a@b.c>"


def test_a_mailbox_beyond_ascii_makes_the_header_eight_bit_and_the_body_not():
    """RFC 6532 §3.2: the local part stands raw; the relay is asked for SMTPUTF8."""
    content = built(to=(Named(Mailbox("jörg", "xn--exmple-cua.example")),))

    assert content.eight_bit
    assert "To: jörg@xn--exmple-cua.example\r\n".encode() in content.headers
    assert content.body.isascii()
    assert not built().eight_bit


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": ()}, "to"),
        ({"text": None}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"html": "\ud800"}, "html"),
        ({"html": "x" * (5 * 1024 * 1024 + 1)}, "html"),
        ({"subject": "a\r\nBcc: x@y.example"}, "subject"),
        ({"subject": "=?utf-8?q?a=0D=0ABcc:_x?="}, "subject"),
        ({"subject": "x" * 999}, "subject"),
        ({"to": (Named(KIM.mailbox, "=?utf-8?q?=0A?="),)}, "to"),
        ({"cc": (Named(KIM.mailbox, "a\nb"),)}, "cc"),
        ({"from_": Named(KIM.mailbox, "a\u2028b")}, "from"),
        ({"reply_to": (Named(KIM.mailbox, "a\x85b"),)}, "reply_to"),
        ({"bcc": (Named(Mailbox("a\r\nRCPT TO:<b", "example.org")),)}, "bcc"),
        ({"attachments": (Attachment(filename="a", content=b""),) * 21}, "attachments"),
    ],
)
def test_a_bad_draft_is_refused_by_field(fields, named):
    with pytest.raises(Invalid) as refused:
        built(**fields)

    assert refused.value.errors[0].field == named
    assert refused.value.sentence.endswith(".")


def test_a_mail_over_25_mb_is_refused_when_built():
    """Three files of 8 MB are 24 MB, and 32 as base64."""
    file = Attachment(filename="a", content=bytes(8 * 1024 * 1024))

    with pytest.raises(Invalid) as refused:
        built(attachments=(file,) * 3)

    assert refused.value.errors[0].field == "attachments"


def test_a_parsed_address_is_what_the_mail_shows():
    message = read(built(to=(parse_named('"Lee, Kim" <Kim.Lee@Example.ORG>'),)))

    assert str(message["To"]) == '"Lee, Kim" <Kim.Lee@example.org>'
