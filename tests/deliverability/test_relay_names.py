"""Addresses of an own relay: names that lead back, and records that make them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portal.deliverability.relay_names import check_ptr
from portal.deliverability.types import Expectation, Subject

OWN = Expectation(id="own", name="Own relay", own_relay=True)
FOREIGN = Expectation(id="post", name="Post")
NAMES = """
    @        MX   10 mx
    mx       A    192.0.2.20
    out      A    192.0.2.9
    out      AAAA 2001:db8::9
    wrong    A    192.0.2.77
    alias    CNAME bare
    abroad   CNAME box.isp.example.
    192-0-2-12.pool A 192.0.2.12
    ill      !    SERVFAIL
"""
REVERSE = """
    9  PTR out.shop.example.
    10 PTR wrong.shop.example.
    12 PTR 192-0-2-12.pool.shop.example.
    13 !   SERVFAIL
    14 PTR lost.elsewhere.test.
    15 CNAME 15.8-15
    16 PTR bare.shop.example.
    17 PTR alias.shop.example.
    18 PTR abroad.shop.example.
"""
ZONES = {
    "shop.example": NAMES,
    "isp.example": "box A 198.51.100.9",
    "2.0.192.in-addr.arpa": REVERSE,
    "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": f"{'9' + '.0' * 19} PTR out.shop.example.",
}
ARPA = "2.0.192.in-addr.arpa"


def subject(*ips, expectation=OWN, **more):
    return Subject(
        domain="shop.example",
        expectation=expectation,
        relay_ips=tuple(map(ip_address, ips)),
        **more,
    )


@pytest.mark.parametrize(
    ("ips", "reason", "status"),
    [
        (["192.0.2.9"], "ptr_ok", "pass"),
        (["2001:db8::9"], "ptr_ok", "pass"),
        (["192.0.2.10"], "ptr_not_forward_confirmed", "fail"),
        (["192.0.2.11"], "ptr_missing", "fail"),
        (["192.0.2.9", "192.0.2.11"], "ptr_missing", "fail"),
        (["192.0.2.12"], "ptr_generic", "warn"),
        (["192.0.2.13"], "dns_servfail", "unknown"),
        (["192.0.2.14"], "dns_refused", "unknown"),
    ],
)
def test_an_address_has_a_name_that_leads_back(checked, ips, reason, status):
    check = checked(ZONES, check_ptr, subject(*ips))

    assert (check.reasons[0], check.status) == (reason, status)
    assert bool(check.fixes) == (status == "fail")


def test_addresses_of_a_provider_are_not_the_tenants_to_name(checked):
    assert checked(ZONES, check_ptr, subject("192.0.2.11", expectation=FOREIGN)) is None
    assert checked(ZONES, check_ptr, subject()) is None


def test_beyond_eight_addresses_nobody_knows(checked):
    ips = [f"192.0.2.{n}" for n in range(100, 109)]
    zones = {
        ARPA: "\n".join(f"{n} PTR h{n}.shop.example." for n in range(100, 109)),
        "shop.example": "\n".join(f"h{n} A 192.0.2.{n}" for n in range(100, 109)),
    }

    check = checked(zones, check_ptr, subject(*ips))

    assert check.reasons == ("dns_timeout",)
    assert check.facts["addresses"]["192.0.2.107"]["reasons"] == []
    assert check.facts["unanswered"] == ["192.0.2.108"]
    assert check.facts["room_for"] == "8 addresses"


def test_ten_names_are_followed_as_receivers_do(checked):
    names = "\n".join(f"9 PTR n{n}.shop.example." for n in range(9))
    zones = ZONES | {ARPA: f"{names}\n9 PTR out.shop.example."}

    assert checked(zones, check_ptr, subject("192.0.2.9")).reasons == ("ptr_ok",)


def test_of_too_many_names_none_may_be_the_one_that_leads_back(checked):
    names = "\n".join(f"9 PTR n{n}.shop.example." for n in range(20))
    zones = ZONES | {ARPA: names}

    assert checked(zones, check_ptr, subject("192.0.2.9")).reasons == ("dns_timeout",)


@pytest.mark.parametrize(
    ("ip", "given", "fixes"),
    [
        # Who leads back already is the name, wherever it was told.
        ("192.0.2.9", {"helo": "out.shop.example"}, []),
        ("192.0.2.20", {}, ["PTR 20 mx.shop.example"]),
        (
            "192.0.2.20",
            {"helo": "bare.shop.example", "relay_host": "mx.shop.example"},
            ["PTR 20 mx.shop.example"],
        ),
        # Else a host without such an address gets it: the name is there already, or
        # is told; an alias does not bear another record beside it.
        ("192.0.2.16", {}, ["A bare 192.0.2.16"]),
        ("192.0.2.17", {}, ["A bare 192.0.2.17"]),
        (
            "192.0.2.11",
            {"helo": "bare.shop.example"},
            ["PTR 11 bare.shop.example", "A bare 192.0.2.11"],
        ),
        (
            "2001:db8::7",
            {"relay_host": "wrong.shop.example"},
            ["PTR 7 wrong.shop.example", "AAAA wrong 2001:db8::7"],
        ),
        # To one that has another, nothing is added; nor is anything abroad ours.
        ("192.0.2.10", {}, ["PTR 10 {mail host}.shop.example"]),
        ("192.0.2.18", {}, ["PTR 18 {mail host}.shop.example"]),
        (
            "192.0.2.11",
            {"relay_host": "box.isp.example"},
            ["PTR 11 {mail host}.shop.example"],
        ),
        (
            "192.0.2.11",
            {"relay_host": "192.0.2.11"},
            ["PTR 11 {mail host}.shop.example"],
        ),
        ("192.0.2.11", {"helo": "relay"}, ["PTR 11 {mail host}.shop.example"]),
        # What nobody tells is not said to be missing.
        ("192.0.2.11", {"helo": "ill.shop.example"}, ["PTR 11 ill.shop.example"]),
        # A record for an address stands where an alias leads (RFC 2317).
        (
            "192.0.2.15",
            {"helo": "bare.shop.example"},
            ["PTR 15.8-15 bare.shop.example", "A bare 192.0.2.15"],
        ),
        # A name of an access line is no better one.
        (
            "192.0.2.12",
            {"helo": "bare.shop.example"},
            ["PTR 12 bare.shop.example", "A bare 192.0.2.12"],
        ),
        ("192.0.2.12", {"helo": "192-0-2-12.pool.shop.example"}, []),
    ],
)
def test_the_name_that_is_proposed_leads_back(checked, ip, given, fixes):
    check = checked(ZONES, check_ptr, subject(ip, **given))

    told = [
        f"{fix.type} {fix.host.partition('.2.0.192.')[0].partition('.0.')[0]} {fix.value}"
        for fix in check.fixes
    ]
    assert told == fixes


@pytest.mark.parametrize(
    ("both", "fixes"),
    [
        (True, ["PTR out.shop.example"]),
        (False, ["PTR out.shop.example", "AAAA 2001:db8::7"]),
    ],
)
def test_one_host_has_one_name_in_both_families(checked, both, fixes):
    names = "out A 192.0.2.9" + ("\nout AAAA 2001:db8::7" if both else "")
    zones = ZONES | {"shop.example": names}

    check = checked(zones, check_ptr, subject("192.0.2.9", "2001:db8::7"))

    assert [f"{fix.type} {fix.value}" for fix in check.fixes] == fixes


BARE = ["192.0.2.11", "192.0.2.15", "2001:db8::7", "192.0.2.12"]


@pytest.mark.parametrize("helo", ["bare.shop.example", "alias.shop.example"])
def test_whoever_publishes_it_has_mended_it(checked, helo):
    asked = subject(*BARE, helo=helo)
    before = checked(ZONES, check_ptr, asked)
    zones = dict(ZONES) | {"8.b.d.0.1.0.0.2.ip6.arpa": "@ TXT x"}
    for fix in before.fixes:
        zone = max((z for z in zones if fix.name.endswith(z)), key=len)
        value = f"{fix.value}." if fix.type == "PTR" else fix.value
        lines = zones[zone].replace("12 PTR 192-0-2-12.pool", "112 PTR gone")
        zones[zone] = f"{lines}\n{fix.name}. {fix.type} {value}"

    after = checked(zones, check_ptr, asked)

    assert set(before.reasons) == {"ptr_missing", "ptr_generic"}
    assert (after.reasons, after.fixes) == (("ptr_ok",), ())
