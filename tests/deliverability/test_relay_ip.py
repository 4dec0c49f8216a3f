"""Addresses of an own relay: names that lead back, lists that somebody chose."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portal.deliverability.relay_ip import check_blocklists, check_ptr
from portal.deliverability.types import Expectation, Subject

OWN = Expectation(id="own", name="Own relay", own_relay=True)
FOREIGN = Expectation(id="post", name="Post")
NAMES = """
    out      A    192.0.2.9
    out      AAAA 2001:db8::9
    wrong    A    192.0.2.77
    192-0-2-12.pool A 192.0.2.12
"""
REVERSE = """
    9  PTR out.shop.example.
    10 PTR wrong.shop.example.
    12 PTR 192-0-2-12.pool.shop.example.
    13 !   SERVFAIL
    14 PTR lost.elsewhere.test.
"""
REVERSE6 = f"{'9' + '.0' * 15} PTR out.shop.example."
ZONES = {
    "shop.example": NAMES,
    "2.0.192.in-addr.arpa": REVERSE,
    "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": f"{'9' + '.0' * 19} PTR out.shop.example.",
}


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


LISTS = {
    "list.example": "9.2.0.192 A 127.0.0.4\n"
    + ".".join("9" + "0" * 7)
    + " A 127.0.0.2",
    "shy.example": "*.192 A 127.255.255.254",
    "closed.example": "9.2.0.192 ! REFUSED",
    "mute.example": "9.2.0.192 ! SILENT",
}


@pytest.mark.parametrize(
    ("zones", "reason", "status"),
    [
        (["list.example"], "blocklist_listed", "fail"),
        (["shy.example"], "blocklist_query_refused", "info"),
        (["closed.example"], "blocklist_query_refused", "info"),
        (["mute.example"], "dns_timeout", "unknown"),
        (["mute.example", "list.example"], "blocklist_listed", "fail"),
    ],
)
def test_lists_are_asked_where_somebody_chose_them(checked, zones, reason, status):
    check = checked(
        LISTS, check_blocklists, subject("192.0.2.9", blocklists=tuple(zones))
    )

    assert (check.reasons[0], check.status) == (reason, status)


def test_an_address_that_no_list_has_is_clean(checked):
    asked = subject("192.0.2.8", blocklists=("list.example",))

    check = checked(LISTS, check_blocklists, asked)

    assert check.reasons == ("blocklist_clean",)
    assert checked(LISTS, check_blocklists, subject("192.0.2.9")) is None


def test_what_there_was_no_room_to_ask_is_not_in_order(checked):
    """One report asks for eight addresses, and sixteen times at lists."""
    ips = [f"192.0.2.{n}" for n in range(100, 109)]
    zones = {
        "2.0.192.in-addr.arpa": "\n".join(
            f"{n} PTR h{n}.shop.example." for n in range(100, 109)
        ),
        "shop.example": "\n".join(f"h{n} A 192.0.2.{n}" for n in range(100, 109)),
        "one.example": "www A 192.0.2.1",
        "two.example": "www A 192.0.2.1",
    }
    asked = subject(*ips, blocklists=("one.example", "two.example"))

    names = checked(zones, check_ptr, asked)
    lists = checked(zones, check_blocklists, asked)

    assert names.reasons == lists.reasons == ("dns_timeout",)
    assert names.facts["addresses"]["192.0.2.107"]["reasons"] == []
    assert names.facts["addresses"]["192.0.2.108"]["reasons"] == ["dns_timeout"]
    assert list(lists.facts["lists"].values()).count("clean") == 16
