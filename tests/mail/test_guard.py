"""No header line in a mail but those that were meant."""

from __future__ import annotations

import pytest

from portal.errors import Invalid
from portal.mail.guard import (
    UnsafeMail,
    check_block,
    check_body,
    check_headers,
    check_words,
)


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "SENDER",
        "reply-to",
        "To",
        "Cc",
        "bcc",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "content-foo",
        "Received",
        "Received-SPF",
        "DKIM-Signature",
        "ARC-Seal",
        "Return-Path",
        "Auto-Submitted",
        "Resent-To",
    ],
)
def test_a_field_of_ours_is_reserved(name):
    with pytest.raises(Invalid) as refused:
        check_headers({name: "x"})

    assert refused.value.errors[0].field == f"headers.{name}"


@pytest.mark.parametrize(
    "name", ["", "X Y", "X:Y", "X_Y", "Ünicode", "x" * 77, "X\r\nBcc", "X\0"]
)
def test_a_name_has_letters_digits_and_hyphens_only(name):
    with pytest.raises(Invalid, match="1 to 76"):
        check_headers({name: "x"})


@pytest.mark.parametrize(
    "name", ["X-Fromage", "Tools", "List-Unsubscribe", "References"]
)
def test_a_name_that_only_resembles_a_reserved_one_is_free(name):
    check_headers({name: "x"})


def test_one_header_in_two_spellings_is_refused():
    with pytest.raises(Invalid, match="twice"):
        check_headers({"X-A": "1", "x-a": "2"})


@pytest.mark.parametrize(
    "character",
    [
        "\r",
        "\n",
        "\0",
        "\t",
        "\x0b",
        "\x1f",
        "\x7f",
        "\x85",
        "\x9f",
        "\u2028",
        "\u2029",
        "\ud800",
        "\udfff",
    ],
)
def test_a_control_character_is_refused_and_named(character):
    with pytest.raises(Invalid, match=f"U\\+{ord(character):04X} is at position 2"):
        check_words("headers.X-Foo", f"a{character}b")


def test_an_encoded_word_is_refused():
    """CVE-2024-6923: plain ASCII that a mail library decodes to a line break."""
    with pytest.raises(Invalid, match="encoded word"):
        check_words("subject", "=?utf-8?q?a=0D=0ABcc=3A_z=40z.test?=")


def test_a_word_that_no_line_takes_is_refused():
    with pytest.raises(Invalid, match="900"):
        check_headers({"X-Long": "a " + "b" * 901})


@pytest.mark.parametrize(
    "block",
    [
        b"Subject: a\r\nBcc: x@y.example\r\n",
        b"",
        b"Subject: a\r\nSubject: b\r\n",
        b"Subject: a\r\n\r\nbody\r\n",
        b"Subject: a\nX: y\r\n",
        b"Subject: a\rb\r\n",
        b"Subject: a\0b\r\n",
        b"Subject: a",
        b" folded\r\nSubject: a\r\n",
        b"Subject: a\r\n \r\n",
        b"Subject: a\r\nno name\r\n",
        b"Subject: " + b"a" * 990 + b"\r\n",
        b"Subject: \xff\r\n",
    ],
)
def test_a_header_block_with_anything_else_is_refused(block):
    with pytest.raises(UnsafeMail):
        check_block(block, ["Subject"], utf8=False)


def test_a_header_block_as_meant_passes_folded_or_not():
    check_block(b"Subject: a\r\n b\r\nX-A:\r\n\tc\r\n", ["X-a", "subject"], utf8=False)


@pytest.mark.parametrize(
    "body", [b"a\nb\r\n", b"a\rb\r\n", b"a\0\r\n", b"\xc3\r\n", b"a" * 999 + b"\r\n"]
)
def test_a_body_that_a_relay_may_read_differently_is_refused(body):
    """SMTP smuggling lives on line ends that two servers read in two ways."""
    with pytest.raises(UnsafeMail):
        check_body(body)


def test_a_body_of_998_octets_a_line_passes():
    check_body(b"a" * 998 + b"\r\n.\r\n")
