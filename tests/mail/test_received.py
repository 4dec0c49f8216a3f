"""A received mail: its fields, its way, and whose results count."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.mail.received.hops import hop, hops
from portal.mail.received.reading import MOST_FIELDS, read
from portal.mail.received.results import results
from portal.mail.received.spf import spf_result
from portal.mail.received.trust import trusted

SHAPES = Path(__file__).parents[1] / "data" / "received"
RECEIVERS = {
    "gmail": ("mx.google.com", "TLS 1.3"),
    "outlook": ("bn3pepf0001.mail.protection.outlook.com", "TLS 1.3"),
    "yahoo": ("10.217.150.11", "TLS 1.2"),
    "fastmail": ("mx1.messagingengine.com", "TLS 1.3"),
    "opendkim": ("mx.office.example", "TLS 1.2"),
    "rspamd": ("mail.office.example", None),
}


def organization(host):
    """The last two labels do for the hosts of these mails; addresses are nobody's."""
    labels = host.split(".")
    return None if labels[-1].isdigit() else ".".join(labels[-2:])


def shape(name):
    return read((SHAPES / f"{name}.txt").read_bytes())


@pytest.mark.parametrize("name", RECEIVERS)
def test_results_of_the_receiver_count(name):
    by, tls = RECEIVERS[name]

    found = trusted(shape(name), organization)

    assert (found.border.by, found.border.tls) == (by, tls)
    assert [(each.result, each.domain) for each in found.of("spf")] == [
        ("pass", "pm.shop.example")
    ]
    assert ("pass", "shop.example") in [(e.result, e.domain) for e in found.of("dkim")]
    assert [each.domain for each in found.of("dmarc")] == ["shop.example"]


@pytest.mark.parametrize("name", RECEIVERS)
def test_results_that_came_with_the_mail_do_not(name):
    found = trusted(shape(name), organization)

    assert not any(each.domain == "bank.example" for each in found.results)
    assert "bank.example" in (SHAPES / f"{name}.txt").read_text()


def test_who_says_nothing_lends_no_trust_to_others():
    """The border writes no results; below it a server of that very name did."""
    mail = read(
        b"Received: from a.example (a.example [198.51.200.1]) by mx.office.example"
        b" with ESMTP; Sat, 21 Nov 2026 16:00:07 +0000\n"
        b"Received: from x (x.example [203.0.200.5]) by mx.office.example with SMTP\n"
        b"Authentication-Results: mx.office.example; dkim=pass header.d=bank.example\n"
        b"From: a@bank.example\n"
    )

    found = trusted(mail, organization)

    assert (found.results, found.ignored) == ((), ("mx.office.example",))


def test_without_a_hop_nothing_has_a_place():
    mail = read(b"Authentication-Results: mx.example; dkim=pass\nFrom: a@b.example\n")

    found = trusted(mail, organization)

    assert (found.border, found.results, found.ignored) == (None, (), ("mx.example",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.example; none", []),
        ("a.example 1; spf=fail (all (of) it; \\) so) smtp.mailfrom=x@b.example", ["b.example"]),
        ('a.example; dkim = pass reason="good; one" header.d = "b.example"', ["b.example"]),
        ("a.example; dkim=pass header.i=@B.example.", ["b.example"]),
        ("spf=pass smtp.mailfrom=b.example", ["b.example"]),
        ("a.example; (((( dkim=pass header.d=b.example", []),
        ("", []),
    ],
)  # fmt: skip
def test_results_are_read(text, expected):
    assert [each.domain for each in results(text).results] == expected


def test_the_way_is_read():
    newest, border, submitted = hops(shape("gmail"))

    assert (newest.peer, newest.is_encrypted) == (None, None)
    assert border.reverse == "mta120.postmark.example"
    assert str(border.address) == "50.31.156.120"
    assert border.at == datetime(2026, 11, 21, 16, 0, 6, tzinfo=UTC)
    assert (submitted.is_submission, submitted.is_encrypted) == (True, True)


@pytest.mark.parametrize(
    ("text", "encrypted", "tls"),
    [
        ("from a by b with ESMTP id 1", False, None),
        ("from a by b with UTF8SMTPS id 1", True, None),
        ("from a (a [192.0.2.1]) by b with esmtps (TLS1.3) tls TLS_AES", True, "TLS 1.3"),
        ("from a by b with Microsoft SMTP Server (version=TLS1_2, cipher=x)", True, "TLS 1.2"),
        ("from a by b with Microsoft SMTP Server id 15", None, None),
        ("from a (using TLSv1 with cipher AES256-SHA) by b with ESMTPS", True, "TLS 1.0"),
        ("from a by b with (AES256-SHA encrypted) SMTP", True, None),
        ("from a by b with ESMTP with STARTTLS id 1", True, None),
        ("from a by b with ESMTPS tls TLS_AES_256_GCM_SHA384", True, "TLS 1.3"),
        ("by b with SMTP id 1", None, None),
    ],
)  # fmt: skip
def test_encryption_of_a_hop(text, encrypted, tls):
    found = hop(text)

    assert (found.is_encrypted, found.tls) == (encrypted, tls)


def test_a_page_copied_whole_still_holds_the_source():
    mail = read(
        b"Original message\n\nSPF\tPASS\n\nDelivered-To: a@b.example\nX: 1\n\nhi"
    )

    assert [each.name for each in mail.fields] == ["delivered-to", "x"]


def test_any_end_of_line_is_one():
    mail = read(b"\xef\xbb\xbfFrom a@b Sat\rFrom: a@b.example\rTo: x\r\r1\r2")

    assert (mail.from_address, mail.body) == ("a@b.example", b"1\r\n2")


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"From: A <a@b.example>", "a@b.example"),
        (b"From: =?utf-8?q?a?= <a@b.example>", "a@b.example"),
        (b"From: a@b.example\nFrom: c@bank.example", None),
        (b"From: a@b.example, c@bank.example", None),
        (b'From: "B, <b@bank.example> (x)" <a@b.example> (A)', "a@b.example"),
        (b"From: a@b.example <a@b.example>", "a@b.example"),
        (b"From: A :( <a@b.example>", "a@b.example"),
        (b"From: A <a@b.example>, B <c@bank.example>", None),
        (b"From: c@bank.example, A <a@b.example>", None),
        (b"From: All: a@b.example;", None),
        (b"From: \xff\x00", None),
        (b"To: a@b.example", None),
    ],
)
def test_from_is_one_mailbox(header, address):
    assert read(header + b"\nX: 1\n\nhi").from_address == address


def test_a_header_alone_has_no_body():
    assert read(b"From: a@b.example\nTo: c\n\n\n").body is None


@pytest.mark.parametrize(
    "after",
    [
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\r\n").encode(),
        lambda text: " " + text,
        lambda text: text.replace("\n", "\n    ").join(("    ", "")),
        lambda text: text.replace("\n", "\n> > ").join(("> > ", "")),
        lambda text: "Page\n\nFrom:\tNobody\nSPF:\tPASS\n\nCopy\n" + text,
    ],
    ids=["16", "16 BOM", "CR CR LF", "one blank", "indented", "quoted", "page"],
)
def test_what_a_copy_does_is_undone(after):
    text = "Received: from a\n by b\nFrom: a@b.example\n\nhi\n> there"

    mail = read(after(text).encode() if isinstance(after(text), str) else after(text))

    assert mail.texts("received") == ("from a by b",)
    assert (mail.from_address, mail.body) == ("a@b.example", b"hi\r\n> there")


def test_broken_lines_go_on_with_the_one_above():
    """The names of h= look like fields."""
    mail = read(
        b"DKIM-Signature: v=1; d=b.example; h=from:\nto:subject;\nbh=x\n"
        b"Received: from a\nby b (x.example: y)\nFrom: a@b.example\n"
    )

    assert mail.is_broken and mail.from_address == "a@b.example"
    assert mail.texts("dkim-signature") == (
        "v=1; d=b.example; h=from: to:subject; bh=x",
    )
    assert mail.texts("received") == ("from a by b (x.example: y)",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pass (mailfrom) identity=mailfrom; envelope-from=k@b.example", "b.example"),
        ('pass (x) helo=h.example; envelope-from="k k"@B.example;', "b.example"),
        ("Fail (x: domain of b.example does not) client-ip=1.2.3.4", "b.example"),
        ("pass (x: domain of k@b.example designates) helo=h.example", "b.example"),
        ("None (helo) identity=helo; helo=h.example; envelope-from=k@b.example", "h.example"),
        ("pass envelope-from=<>; helo=h.example", "h.example"),
        ("pass", None),
    ],
)  # fmt: skip
def test_what_received_spf_is_about(text, expected):
    (found,) = spf_result(text).results

    assert (found.result, found.domain) == (text.split()[0].lower(), expected)


@pytest.mark.parametrize(
    ("text", "reverse"),
    [
        ("from h.example ([50.31.1.1]) by b with esmtps (Exim 4.98)", "h.example"),
        ("from h.example ([50.31.1.1] helo=x) by b with esmtps (Exim 4.98)", "h.example"),
        ("from [50.31.1.1] (helo=h.example) by b with esmtp (Exim 4.98)", None),
        ("from h.example ([50.31.1.1]) by b with ESMTPS", None),
        ("from h.example (unknown [50.31.1.1]) by b with ESMTPS", None),
    ],
)  # fmt: skip
def test_a_name_is_confirmed_or_claimed(text, reverse):
    assert hop(text).reverse == reverse


def test_fields_are_counted():
    mail = read(b"X: 1\n" * (MOST_FIELDS + 5) + b"\nhi")

    assert len(mail.fields) == MOST_FIELDS
