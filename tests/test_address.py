"""The strict parser of mailboxes, names, domains and hosts."""

from __future__ import annotations

import pytest

from portal.address import (
    BadAddress,
    Mailbox,
    Named,
    parse_domain,
    parse_host,
    parse_mailbox,
    parse_named,
)

GOOD_MAILBOXES = [
    ("kim@example.org", "kim@example.org"),
    ("kim+tag@example.org", "kim+tag@example.org"),
    ("Kim.Example@EXAMPLE.org", "Kim.Example@example.org"),
    ("o'brien@example.org", "o'brien@example.org"),
    ("!#$%&'*/?=^_`{|}~-@example.org", "!#$%&'*/?=^_`{|}~-@example.org"),
    ("kim@bücher.example", "kim@xn--bcher-kva.example"),
    ("kim@Bücher.example", "kim@xn--bcher-kva.example"),
    ("kim@xn--bcher-kva.example", "kim@xn--bcher-kva.example"),
    ("kim@faß.example", "kim@xn--fa-hia.example"),
    ("kim@r3---sn.example", "kim@r3---sn.example"),
    ("jürgen@example.org", "jürgen@example.org"),
    ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
    ("kim@host.test", "kim@host.test"),
    ("kim@printer.local", "kim@printer.local"),
    ("kim@mail.internal", "kim@mail.internal"),
    ("kim@mail.home.arpa", "kim@mail.home.arpa"),
    ("kim@1and1.example", "kim@1and1.example"),
    ("l" * 64 + "@example.org", "l" * 64 + "@example.org"),
]

BAD_MAILBOXES = {
    "empty": "",
    "no at": "kim.example.org",
    "nothing before the at": "@example.org",
    "nothing after the at": "kim@",
    "two at": "kim@x@example.org",
    "one label": "kim@localhost",
    "dot first": ".kim@example.org",
    "dot last": "kim.@example.org",
    "two dots": "kim..x@example.org",
    "domain with two dots": "kim@example..org",
    "domain with a last dot": "kim@example.org.",
    "space": "kim @example.org",
    "leading space": " kim@example.org",
    "trailing newline": "kim@example.org\n",
    "header injection": "kim@example.org\r\nBcc: eve@example.net",
    "NUL": "kim@example.org\0",
    "NUL inside": "kim\0x@example.org",
    "DEL": "kim\x7f@example.org",
    "C1": "kim\x85@example.org",
    "line separator": "kim\u2028@example.org",
    "zero width space": "kim\u200b@example.org",
    "soft hyphen": "kim@exam\u00adple.org",
    "right-to-left override": "kim\u202e@example.org",
    "lone surrogate": "kim\ud800@example.org",
    "unassigned": "kim\u0378@example.org",
    "SMTP parameter": "kim@example.org> SIZE=1",
    "angle brackets": "<kim@example.org>",
    "list": "a@example.org, b@example.org",
    "list without space": "a@example.org,b@example.org",
    "comment": "kim(comment)@example.org",
    "comment in the domain": "kim@example.org(comment)",
    "quoted local part": '"kim"@example.org',
    "CVE-2025-13033": '"eve@evil.example"@example.org',
    "MimeKit CVE-2026-30227": '"kim\r\nDATA"@example.org',
    "CVE-2023-27043": "alice@example.org]<bob@example.org>",
    "route": "@relay.example:kim@example.org",
    "group": "team:kim@example.org;",
    "literal": "kim@[127.0.0.1]",
    "IPv6 literal": "kim@[IPv6:::1]",
    "bare number": "kim@127.0.0.1",
    "number as last label": "kim@example.123",
    "hexadecimal last label": "kim@example.0x7f",
    "encoded word in the local part": "=?utf-8?q?kim=40evil.example=3e?=@example.org",
    "encoded word in the domain": "kim@=?utf-8?q?evil.example?=.org",
    "full-width at": "kim＠example.org",
    "small at": "kim﹫example.org",
    "full-width at in the local part": "kim＠evil.example@example.org",
    "ideographic dot": "kim@example。org",
    "half-width ideographic dot": "kim@example｡org",
    "ideographic dot in the local part": "a。b＠c@example.org",
    "full-width angle": "kim＜x＞@example.org",
    "ellipsis": "kim…x@example.org",
    "no-break space": "kim\u00a0x@example.org",
    "long s": "kim@localhoſt.example",
    "circled digits": "kim@①②⑦.example",
    "full-width letters": "kim@ｅxample.org",
    "kelvin": "kim@\u212aexample.org",
    "underscore": "kim@my_host.example",
    "hyphen first": "kim@-example.org",
    "hyphen last": "kim@example-.org",
    "bad A-label": "kim@xn--a.example",
    "A-label of ASCII": "kim@xn--example-.org",
    "emoji domain": "kim@💩.example",
    "backslash": "kim\\x@example.org",
    "local part of 65": "l" * 65 + "@example.org",
    "local part of 66 octets": "ü" * 33 + "@example.org",
    "label of 64": "kim@" + "d" * 64 + ".org",
    "255 octets": "l" * 60 + "@" + ".".join(["d" * 63] * 3) + ".xy",
    "a megabyte": "k" * 1_000_000 + "@example.org",
}


@pytest.mark.parametrize(("text", "written"), GOOD_MAILBOXES)
def test_mailbox_is_taken(text, written):
    """A plain mailbox is kept as typed, its domain as lower-case A-labels."""
    mailbox = parse_mailbox(text)

    assert str(mailbox) == written
    assert parse_mailbox(str(mailbox)) == mailbox


@pytest.mark.parametrize("name", BAD_MAILBOXES)
def test_mailbox_is_refused(name):
    """Each attack on address parsers ends in one short sentence."""
    with pytest.raises(BadAddress) as refusal:
        parse_mailbox(BAD_MAILBOXES[name])

    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) < 250


def test_longest_mailbox_is_taken():
    """254 octets is a mailbox, 255 is none (see the table above)."""
    domain = ".".join(["d" * 63] * 2) + "." + "d" * 61
    text = "l" * (254 - 1 - len(domain)) + "@" + domain

    assert len(str(parse_mailbox(text))) == 254


@pytest.mark.parametrize(("local", "needed"), [("kim", False), ("jürgen", True)])
def test_smtputf8_is_needed_for_the_local_part_only(local, needed):
    """An international domain travels as A-labels and needs no extension."""
    assert parse_mailbox(f"{local}@bücher.example").needs_smtputf8 is needed


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kim@example.org", ""),
        (" kim@example.org ", ""),
        ("<kim@example.org>", ""),
        ("Kim <kim@example.org>", "Kim"),
        ("Kim<kim@example.org>", "Kim"),
        ("Dr. Kim O'Hara-Müller <kim@example.org>", "Dr. Kim O'Hara-Müller"),
        ('"Müller, Kim" <kim@example.org>', "Müller, Kim"),
        ('"Kim \\"K\\" \\\\ x" <kim@example.org>', 'Kim "K" \\ x'),
        ('"kim@example.org" <kim@example.org>', "kim@example.org"),
        ("株式会社 <kim@example.org>", "株式会社"),
    ],
)
def test_named_is_taken(text, name):
    """A name stands before the brackets, with specials in double quotes."""
    named = parse_named(text)

    assert named == Named(Mailbox("kim", "example.org"), name)
    assert parse_named(str(named)) == named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Kim",
        "Kim kim@example.org",
        "kim@example.org>",
        "Kim <kim@example.org> x",
        "Kim < kim@example.org>",
        "Kim <kim@example.org",
        "Müller, Kim <kim@example.org>",
        "a@example.org, Kim <kim@example.org>",
        "bob@example.org <kim@example.org>",
        "alice@example.org]<bob@example.org>",
        "Kim (sales) <kim@example.org>",
        "team: <kim@example.org>",
        'Kim "x" <kim@example.org>',
        '"Kim <kim@example.org>',
        "Kim\r\nBcc: eve@example.net <kim@example.org>",
        '"Kim\\\r\nBcc: x" <kim@example.org>',
        "Kim\0 <kim@example.org>",
        "Kim\x9b <kim@example.org>",
        "Kim\u2029 <kim@example.org>",
        "Kim\u202egro <kim@example.org>",
        "Kim\ud800 <kim@example.org>",
        "=?utf-8?q?a=0D=0ABcc=3A?= <kim@example.org>",
        '"=?utf-8?q?a=0D=0ABcc=3A?=" <kim@example.org>',
        "n" * 201 + " <kim@example.org>",
        "Kim <<kim@example.org>>",
    ],
)
def test_named_is_refused(text):
    """Lists, groups, comments, encoded words and controls have no place."""
    with pytest.raises(BadAddress):
        parse_named(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("smtp.example.org", "smtp.example.org"),
        ("SMTP.Example.ORG", "smtp.example.org"),
        ("smtp.example.org.", "smtp.example.org"),
        ("localhost", "localhost"),
        ("my_postfix", "my_postfix"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[2001:DB8:0:0::1]", "2001:db8::1"),
    ],
)
def test_host_is_taken(text, host):
    """A relay is named, or given by the one spelling of its address."""
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "smtp.example.org..",
        "smtp example",
        "smtp.example.org\n",
        "127.1",
        "2130706433",
        "0",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1\0.example.com",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "localhoſt",
        "[127.0.0.1]",
        "[smtp.example.org]",
        "fe80::1%eth0",
        "::1]",
        "http://smtp.example.org",
        "smtp.example.org:587",
        "user@smtp.example.org",
        "a" * 64,
        ".".join(["a" * 63] * 4) + ".org",
    ],
)
def test_host_is_refused(text):
    """No spelling passes that a resolver would read as another address."""
    with pytest.raises(BadAddress):
        parse_host(text)


@pytest.mark.parametrize("text", ["example.org", "EXAMPLE.org"])
def test_domain_is_taken(text):
    assert parse_domain(text) == "example.org"


@pytest.mark.parametrize(
    "text", ["", "org", "a b.org", "127.0.0.1", "_dmarc.example.org", "x@example.org"]
)
def test_domain_is_refused(text):
    with pytest.raises(BadAddress):
        parse_domain(text)
