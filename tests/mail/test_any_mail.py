"""Whatever a caller gives: it is refused by name, or the mail is exactly it."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.address import Mailbox, Named
from portal.errors import Invalid
from portal.mail.compose import compose
from portal.mail.render import render
from portal.mail.types import Attachment, Content, Draft, Identity

NOW = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
MAILBOX = Mailbox("kim", "example.org")
SENDER = Identity(from_=Named(Mailbox("a", "acme.example"), "Äcme"))

# Half of what is tried is made of what attacks are made of.
NASTY = st.lists(
    st.sampled_from(
        [
            "\r",
            "\n",
            "\r\n",
            "\0",
            " ",
            "  ",
            "\t",
            "=?",
            "?=",
            "=?utf-8?q?",
            "=0D=0A",
            "Bcc: x@y.example",
            ":",
            '"',
            "\\",
            ",",
            "<",
            ">",
            "\u2028",
            "\x85",
            "ä",
            "\udcff",
            "x" * 70,
            "y" * 950,
            "📬",
            "--",
            "=_",
            ".",
            "From ",
            "\ufeff",
        ]
    ),
    max_size=8,
).map("".join)
WORDS = NASTY | st.text(max_size=60)
FILE = st.builds(
    Attachment,
    filename=WORDS,
    content=st.binary(max_size=200),
    content_type=st.sampled_from(["text/plain", "image/png"]) | WORDS,
    content_id=st.none() | st.just("logo") | WORDS,
)
DRAFT = st.builds(
    Draft,
    to=st.lists(st.builds(Named, st.just(MAILBOX), WORDS), max_size=3).map(tuple),
    cc=st.lists(st.builds(Named, st.just(MAILBOX), WORDS), max_size=2).map(tuple),
    bcc=st.just((Named(MAILBOX),)),
    subject=WORDS,
    text=st.none() | WORDS,
    html=st.none() | WORDS,
    headers=st.dictionaries(
        st.sampled_from(["X-A", "X-B", "Bcc"]) | WORDS, WORDS, max_size=2
    ),
    attachments=st.lists(FILE, max_size=2).map(tuple),
)


def composed(draft: Draft) -> Content | None:
    """None where it is refused, which names a field and says why."""
    try:
        return compose(draft, domain="acme.example", tenant_code="t1", now=NOW)
    except Invalid as refused:
        assert all(error.field and error.detail for error in refused.errors)
        return None


def built(draft: Draft) -> bytes | None:
    content = composed(draft)
    return content and render(content, SENDER, ("kim@example.org",))[1]


@given(DRAFT)
@settings(max_examples=300, deadline=None)
def test_no_draft_makes_another_header_or_an_unsafe_byte(draft):
    raw = built(draft)
    if raw is None:
        return

    block, _, _ = raw.partition(b"\r\n\r\n")
    lines = [line for line in block.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    names = Counter(line.partition(b":")[0].decode().lower() for line in lines)
    wanted = {"from", "date", "message-id", "to", "auto-submitted", "mime-version"}
    wanted |= {"content-type"} | {name.lower() for name in draft.headers}
    wanted |= {"cc"} if draft.cc else set()
    wanted -= {"to"} if draft.cc and not draft.to else set()
    wanted |= {"subject"} if draft.subject.strip() else set()
    assert set(names) - {"content-transfer-encoding"} == wanted
    assert set(names.values()) == {1}
    assert raw.isascii()
    assert b"\0" not in raw
    assert raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(
    subject=st.text(max_size=200),
    name=st.text(max_size=10),
    text=st.text(max_size=400),
    value=st.text(max_size=200),
    file=st.binary(max_size=300),
)
@settings(max_examples=200, deadline=None)
def test_what_is_taken_is_read_back_unchanged(subject, name, text, value, file):
    """By the standard library's parser, as a mail program would."""
    raw = built(
        Draft(
            to=(Named(MAILBOX, name),),
            subject=subject,
            text=text,
            headers={"X-Value": value},
            attachments=(Attachment(filename="a.bin", content=file),),
        )
    )
    if raw is None:
        return

    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert (message["Subject"] or "") == subject.strip(" ")
    assert message["To"].addresses[0].display_name == name.strip(" ")
    assert message["X-Value"] == value.strip(" ")
    shown, attached = message.iter_parts()
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert shown.get_content().replace("\r\n", "\n") == (
        lines if lines.endswith("\n") or not lines else lines + "\n"
    )
    assert attached.get_content() == file
