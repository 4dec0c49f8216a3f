"""The composer against the standard library: the same mail, written by hand.

Bytes are compared where the library writes the canonical form. It does not where it
breaks quoted-printable at 78 octets (RFC 2045 §6.7 allows 76), encodes a long word
of ASCII (a List-Unsubscribe that no program then understands), or folds addresses
at other commas; there both are read back and must say the same.
"""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from portal.address import Mailbox, Named
from portal.errors import Invalid
from portal.mail import fields
from portal.mail.compose import compose
from portal.mail.parts import text_part
from portal.mail.render import render
from portal.mail.types import Attachment, Draft, Identity

NOW = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
SENDER = Named(Mailbox("a", "acme.example"), "Acme, Shop")
LONG = "The quick brown fox jumps over the lazy dog and runs.\n" * 80

# what becomes of it, and the text; in all of these the library writes the same
SAME_BYTES = [
    ("7bit", "hello\n"),
    ("7bit", "no line end"),
    ("7bit", LONG),
    ("7bit", "a" * 78 + "\n"),
    ("7bit", "tab\t, a =b and a space at the end \n\n\n"),
    ("7bit", ".\n..\nFrom me\n"),
    ("quoted-printable", "Grüße und so weiter\n" * 3),
    ("quoted-printable", "a space at the end \nund ü\t\n"),
    ("quoted-printable", "a form feed \x0c\n"),
    ("quoted-printable", LONG + "ü\n"),
    ("base64", "Привет, как дела?\n" * 40),
    ("base64", "ü" * 1000 + "\n"),
    ("base64", "📬\n" * 33),
]


@pytest.mark.parametrize(("encoding", "text"), SAME_BYTES)
def test_bodies_are_written_as_the_library_does(encoding, text):
    theirs = EmailMessage(policy=email.policy.SMTP)
    theirs.set_content(text, cte=encoding)

    ours = text_part("plain", text)

    assert dict(ours.headers)["Content-Transfer-Encoding"] == encoding
    assert ours.body == theirs.as_bytes().partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Subject", "Hi"),
        ("Subject", "Your invoice 4711 of November is ready to be paid, " * 4 + "now"),
        ("Subject", "two  spaces   stay"),
        ("X-Campaign", "spring-2026"),
        ("Date", "Sat, 21 Nov 2026 09:05:07 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ],
)
def test_fields_are_written_as_the_library_does(name, value):
    theirs = EmailMessage(policy=email.policy.SMTP)
    theirs[name] = value

    assert fields.unstructured(name, value) == theirs.as_bytes()[:-2]


@pytest.mark.parametrize(
    "named",
    [
        [Named(Mailbox("kim", "example.org"))],
        [Named(Mailbox("kim", "example.org"), "Kim")],
        [Named(Mailbox("kim", "example.org"), "Kim, of Acme")],
        [Named(Mailbox("kim", "example.org"), 'Kim "K" \\ Lee')],
        [Named(Mailbox("a", "b.example"), "A"), Named(Mailbox("c", "d.example"))],
    ],
)
def test_addresses_are_written_as_the_library_does(named):
    theirs = EmailMessage(policy=email.policy.SMTP)
    theirs["To"] = [address(each) for each in named]

    assert fields.mailboxes("To", named) == theirs.as_bytes()[:-2]


def address(named: Named) -> Address:
    mailbox = named.mailbox
    return Address(named.name, username=mailbox.local, domain=mailbox.domain)


def by_library(draft: Draft, message_id: str) -> bytes:
    """The same mail by `EmailMessage`."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"] = address(SENDER)
    made["Date"] = NOW
    made["Message-ID"] = message_id
    made["To"] = [address(each) for each in draft.to]
    made["Subject"] = draft.subject
    made["Auto-Submitted"] = "auto-generated"
    for name, value in draft.headers.items():
        made[name] = value
    made.set_content(draft.text)
    if draft.html is not None:
        made.add_alternative(draft.html, subtype="html")
    for each in draft.attachments:
        main, _, sub = each.content_type.partition("/")
        made.add_attachment(
            each.content, maintype=main, subtype=sub, filename=each.filename
        )
    return made.as_bytes()


def addresses(raw: bytes) -> list[tuple[str, str]]:
    """By the older reader: the newer one keeps the blank between two encoded words
    of one name, which RFC 2047 §6.2 says to ignore. Names without their blanks: where
    the library folds a name it may lose one."""
    field = email.message_from_bytes(raw, policy=email.policy.compat32)["To"]
    return [
        ("".join(str(make_header(decode_header(name))).split()), box)
        for name, box in getaddresses([" ".join(field.splitlines())])
    ]


def read(raw: bytes) -> dict[str, object]:
    """What a mail program makes of it: field values, structure, decoded content."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects
    values: dict[str, object] = {
        name.lower(): " ".join(str(value).split())
        for name, value in message.items()
        if not name.lower().startswith("content-")
    }
    values["to"] = addresses(raw)
    parts = []
    for part in message.walk():
        assert not part.defects
        content = None if part.is_multipart() else part.get_content()
        if isinstance(content, str):
            content = content.replace("\r\n", "\n").rstrip("\n")
        parts.append((part.get_content_type(), part.get_filename(), content))
    return {"values": values, "parts": parts}


def both(draft: Draft) -> tuple[bytes, bytes]:
    made = compose(draft, domain="acme.example", tenant_code="t1", now=NOW)
    _, ours = render(made, Identity(from_=SENDER), ("kim@example.org",))
    return ours, by_library(draft, made.message_id)


TO = (Named(Mailbox("kim", "example.org"), "Kïm"),)
FILES = (
    Attachment(
        filename="a b.pdf", content=b"%PDF\r\n\0", content_type="application/pdf"
    ),
    Attachment(filename="Rechnung für Jürgen.bin", content=bytes(range(256)) * 30),
)
SHAPES = {
    "text": Draft(to=TO, subject="Hi", text=LONG),
    "text in other letters": Draft(to=TO, subject="Привет " * 20, text="Привет\n" * 9),
    "long lines": Draft(to=TO, subject="x" * 300, text="word " * 900),
    "html beside text": Draft(to=TO, subject="Hi", text=LONG, html="<p>Grüße</p>\n"),
    "files": Draft(to=TO, subject="Hi", text="see", attachments=FILES),
    "html and files": Draft(
        to=TO, subject="Hi", text="see", html="<b>see</b>", attachments=FILES
    ),
    "many addresses": Draft(
        to=tuple(
            Named(Mailbox(f"kim{n}", "example.org"), f"Kïm, the {n}th")
            for n in range(40)
        ),
        subject="Hi",
        text="all",
        headers={"List-Unsubscribe": "<https://acme.example/u?t=" + "u" * 200 + ">"},
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mail_reads_as_the_library_s_does(shape):
    ours, theirs = both(SHAPES[shape])

    assert read(ours) == read(theirs)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=90)
BODY = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    ),
    max_size=300,
)


@example(subject="Hi", name="0" * 15 + " " + "ü" * 16, value="v", text="t", html=None)
@example(subject="0", name=f"000{'ࠀ' * 14} : \xa0", value="0", text="0", html=None)
@given(subject=WORDS, name=WORDS, value=WORDS, text=BODY, html=st.none() | BODY)
@settings(max_examples=150, deadline=None)
def test_any_mail_reads_as_the_library_s_does(subject, name, value, text, html):
    """Where both take it: the library refuses some names that are addresses' parts."""
    assume(subject.strip() and text.strip() and value.strip())
    assume(html is None or html.strip())
    draft = Draft(
        to=(Named(Mailbox("kim", "example.org"), name),),
        subject=subject,
        text=text,
        html=html,
        headers={"X-Value": value},
    )
    try:
        ours, theirs = both(draft)
    except Invalid:
        return

    assert read(ours) == read(theirs)
