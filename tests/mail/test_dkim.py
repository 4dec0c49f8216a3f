"""What we sign is what dkimpy verifies; whatever is changed on the way is noticed."""

from __future__ import annotations

from datetime import UTC, datetime

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.address import Mailbox, Named
from portal.crypto.keys import BadPrivateKey
from portal.crypto.signing import ED25519, RSA, new_key, public_record
from portal.mail.dkim import relaxed_body, sign
from portal.mail.render import render
from portal.mail.types import Attachment, Draft, Identity, Signing
from portal.secret import Secret
from tests.mail.test_any_mail import DRAFT, composed

KEYS = {algorithm: new_key(algorithm) for algorithm in (RSA, ED25519)}
SHOP = Named(Mailbox("no-reply", "acme.example"), "Äcme, Shop")
DRAFTS = {
    "text": Draft(to=(SHOP,), subject="Hi", text="hello  there \n\n\n"),
    "empty": Draft(to=(SHOP,), text=""),
    "spaces only": Draft(to=(SHOP,), text="  \n \t \n"),
    "umlauts": Draft(to=(SHOP,), subject="Grüße " * 30, text="Grüße\n" * 50),
    "html": Draft(to=(SHOP,), subject="Hi", html="<p>Hello\t you</p>" * 40),
    "dots": Draft(to=(SHOP,), subject="Hi", text=".\n..\n.x\n"),
    "files": Draft(
        to=(SHOP,) * 20,
        subject="x" * 200 + " " + "y" * 200,
        text="see",
        attachments=(Attachment(filename="a b.bin", content=bytes(range(256)) * 9),),
        headers={"List-Unsubscribe": "<https://acme.example/u?" + "u" * 300 + ">"},
    ),
}


def identity(algorithm: str, key: str | None = None) -> Identity:
    signing = Signing(
        domain="acme.example", selector="s1", key=Secret(key or KEYS[algorithm])
    )
    return Identity(from_=SHOP, reply_to=SHOP, signing=signing)


def verifies(mail: bytes, algorithm: str) -> bool:
    def record(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.acme.example."
        return public_record(KEYS[algorithm]).encode()

    return dkim.verify(mail, dnsfunc=record)


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("name", DRAFTS)
def test_a_mail_of_ours_verifies(algorithm, name):
    _, mail = render(composed(DRAFTS[name]), identity(algorithm), ("a@b.example",))

    assert mail.startswith(b"DKIM-Signature: v=1; a=" + algorithm.encode())
    assert verifies(mail, algorithm)
    header = mail[: mail.find(b"\r\n\r\n")]
    assert max(map(len, header.split(b"\r\n"))) <= 400  # one long word, nothing else


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"hello", b"hallo"),
        (b"hello", b"hello\r\nmore"),
        (b"Subject: Hi", b"Subject: Ho"),
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"Date: Sat", b"Date: Sun"),
        (b"To: ", b"To: x@evil.example, "),
        (b"Reply-To: ", b"Reply-To: x@evil.example, "),
        (b"text/plain", b"text/html"),
        (b"Message-ID: <", b"Message-ID: <0"),
        (b"d=acme.example", b"d=evil.example"),
        (b"t=", b"t=1"),
    ],
)
def test_what_is_changed_on_the_way_fails(algorithm, before, after):
    _, mail = render(composed(DRAFTS["text"]), identity(algorithm), ("a@b.example",))
    changed = mail.replace(before, after, 1)
    assert changed != mail

    def record(name: bytes, timeout: int = 5) -> bytes:
        return public_record(KEYS[algorithm]).encode()

    assert not dkim.verify(changed, dnsfunc=record)


@pytest.mark.parametrize("algorithm", KEYS)
def test_another_key_does_not_verify(algorithm):
    _, mail = render(
        composed(DRAFTS["text"]), identity(algorithm, new_key(algorithm)), ("a@b.c",)
    )

    assert not verifies(mail, algorithm)


@pytest.mark.parametrize("algorithm", KEYS)
def test_folding_and_spaces_on_the_way_do_no_harm(algorithm):
    """Relaxed: some relays fold long fields anew and take spaces off line ends."""
    _, mail = render(composed(DRAFTS["text"]), identity(algorithm), ("a@b.example",))
    changed = mail.replace(b"Subject: Hi", b"subject:\r\n\t  Hi  ", 1)
    changed = changed.replace(b"hello  there", b"hello there", 1)

    assert changed != mail
    assert verifies(changed, algorithm)


@given(draft=DRAFT, algorithm=st.sampled_from(sorted(KEYS)))
@settings(max_examples=60, deadline=None)
def test_any_mail_of_ours_verifies(draft, algorithm):
    content = composed(draft)
    if content is not None:
        _, mail = render(content, identity(algorithm), ("a@b.example",))
        assert verifies(mail, algorithm)


@given(
    st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"."]), max_size=30).map(
        b"".join
    )
)
@settings(max_examples=300, deadline=None)
def test_relaxed_body_is_that_of_dkimpy(body):
    """Our bodies end in CRLF, or are empty."""
    body = body and body + b"\r\n"

    theirs = dkim.canonicalization.Relaxed.canonicalize_body(body)

    assert relaxed_body(body) == theirs


def test_record_tells_the_kind_of_key():
    assert public_record(KEYS[RSA]).startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkq")
    record = public_record(KEYS[ED25519])
    assert record.startswith("v=DKIM1; k=ed25519; p=")
    assert len(record.partition("p=")[2]) == 44  # RFC 8463 §4: 32 octets


def test_key_that_is_none_is_told_without_its_text():
    signing = Signing(domain="acme.example", selector="s1", key=Secret("geheim"))

    with pytest.raises(BadPrivateKey) as refused:
        sign(
            b"From: a@b.example\r\n\r\n",
            signing,
            now=datetime(2026, 11, 21, tzinfo=UTC),
        )

    assert "geheim" not in str(refused.value)


def test_other_kinds_of_keys_are_not_made():
    with pytest.raises(ValueError, match="no DKIM key of the kind 'ec'"):
        new_key("ec")


def test_signature_names_what_it_covers():
    _, mail = render(composed(DRAFTS["files"]), identity(RSA), ("a@b.example",))

    field = mail[: mail.find(b"\r\nFrom:")].replace(b"\r\n ", b" ")
    covered = field.partition(b" h=")[2].partition(b";")[0].replace(b" ", b"")
    assert covered.split(b":") == [
        b"from", b"from", b"reply-to", b"to", b"subject", b"date", b"message-id",
        b"auto-submitted", b"list-unsubscribe", b"mime-version", b"content-type",
    ]  # fmt: skip
