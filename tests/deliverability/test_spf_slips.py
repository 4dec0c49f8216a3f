"""Slips of the pen in an SPF record, and what people are told of those left out."""

from __future__ import annotations

import pytest

from portal.deliverability.spf.judging import check_spf
from portal.deliverability.spf.slips import MOST, as_meant, corrected, unread
from portal.deliverability.types import Expectation, SpfExpected, Subject

SHOP = Subject(
    domain="shop.example",
    expectation=Expectation(
        id="post", name="Post", spf=SpfExpected(includes=("include:spf.post.example",))
    ),
)
BLANKS = " " * 65_000
POST = {"post.example": 'spf TXT "v=spf1 ip4:192.0.2.0/24 -all"'}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("include=a.example mx=b.example", "include:a.example mx:b.example"),
        ("redirect:a.example", "redirect=a.example"),
        ("-include=a.example", "-include:a.example"),
        ("incude:a.example includes:a.example", "include:a.example include:a.example"),
        ("ipv4:192.0.2.1 ip:192.0.2.2 a:192.0.2.3", "192.0.2.1 192.0.2.2 192.0.2.3"),
        ("ip4:2001:db8::/32 ipv6=2001:db8::1", "ip6:2001:db8::/32 ip6:2001:db8::1"),
        ("?ip6:192.0.2.0/24 -192.0.2.1", "?ip4:192.0.2.0/24 -ip4:192.0.2.1"),
        ("include: a.example - all", "include:a.example -all"),
        ("include: -all", "include -all"),
        ("a: mx, all.", "a mx all"),
        ("\u2013all", "-all"),
        ("\u201cmx\u201d ~all;", "mx ~all"),
        ("mx,include:a.example,-all", "mx include:a.example -all"),
        ("ip4:192.0.2.1include:a.example~all", "192.0.2.1 include:a.example ~all"),
        ("include:_spf.b\u00fccher.example", "include:_spf.xn--bcher-kva.example"),
    ],
)
def test_a_slip_is_read_as_it_was_meant(written, meant):
    told = tuple(f"ip4:{term}" if term[0].isdigit() else term for term in meant.split())

    assert corrected(f"v=spf1 {written}") == told


@pytest.mark.parametrize(
    "terms",
    [
        "a mx/24//64 a:b.example/28 ptr exists:%{ir}.%{l1r-,}._spf.%{d2} ?all",
        "ip4:192.0.2.1/33 all:x %{x} include:a",
        "op=auth exp=why.example moo= unknown=192.0.2.1 redirect=%{d}.example",
        "exists:a,b.example include:a;b.example",
    ],
)
def test_what_is_right_or_beyond_reading_stays_as_it_is(terms):
    assert corrected(f"V=SPF1  {terms} ") == tuple(terms.split())


def test_a_text_too_long_to_be_written_by_hand_is_left_alone():
    terms = "incude:a.example " * MOST

    assert corrected(f"v=spf1 {terms}") == tuple(terms.split())


@pytest.mark.parametrize(
    "text",
    [
        '@ IN TXT "v=spf1 mx -all"',
        "shop.example. 3600 IN TXT v=spf1 mx -all",
        "TXT v = spf1; mx -all",
        "v-spf1 mx -all",
        "v=spfl mx -all",
    ],
)
def test_a_text_that_is_nearly_a_record_tells_what_was_meant(text):
    assert as_meant(text) == "v=spf1 mx -all"


@pytest.mark.parametrize(
    "text",
    ["our TXT notes: v=spf1 mx -all", "v=spf10 mx", "spf2.0/pra -all", "v=spfile mx"],
)
def test_what_is_something_else_is_none(text):
    assert as_meant(text) is None


@pytest.mark.parametrize(
    "text",
    [f"v{BLANKS}x", f"TXT{BLANKS}x", f"TXT v{BLANKS}x", f"a{BLANKS}" * 3, "x" * 65_000],
    ids=["version", "line", "both", "words", "word"],
)
def test_a_text_as_long_as_the_dns_has_them_holds_nothing_up(text):
    assert as_meant(text) is None
    assert corrected(f"v=spf1 {text}") == tuple(text.split())


def test_what_is_left_out_is_told(checked):
    record = "v=spf1 ip4:192.0.2.1/33 mx all:x include:spf.post.example -all"
    zone = f'mail A 192.0.2.1\n@ MX 10 mail\n@ TXT "{record}"'

    check = checked({"shop.example": zone, **POST}, check_spf, SHOP)

    assert unread(record) == ("ip4:192.0.2.1/33", "all:x")
    assert [fix.value for fix in check.fixes] == [
        "v=spf1 mx include:spf.post.example -all"
    ]
    assert check.fixes[0].note == (
        "In place of the record that is there. "
        "Left out, as nobody can read it: “ip4:192.0.2.1/33”, “all:x”."
    )


def test_a_record_that_comes_to_too_many_look_ups_says_so(checked):
    names = " ".join(f"a:n{n}.shop.example" for n in range(10))
    zone = f'*.shop.example. A 192.0.2.1\n@ TXT "v=spf1 {names} -all"'

    (fix,) = checked({"shop.example": zone, **POST}, check_spf, SHOP).fixes

    assert fix.value == f"v=spf1 include:spf.post.example {names} -all"
    assert "More than 10 look-ups" in fix.note
