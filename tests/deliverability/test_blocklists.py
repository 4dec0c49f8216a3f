"""Block lists that somebody chose: what their word on an own address is worth."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portal.deliverability.blocklists import check_blocklists
from portal.deliverability.types import Subject

TESTS = """
    2.0.0.127 A 127.0.0.2
    2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 A 127.0.0.2
"""
NINE = "9" + ".0" * 23 + ".8.b.d.0.1.0.0.2"  # 2001:db8::9
LISTS = {
    "list.example": f"""{TESTS}
        9.2.0.192 A 127.0.0.4
        9.2.0.192 TXT "https://list.example/why?ip=192.0.2.9"
        {NINE} A 127.0.0.3""",
    "plain.example": "9.2.0.192 A 127.0.0.2",
    "shy.example": "*.192 A 127.255.255.254",
    "sly.example": "2.0.0.127 A 127.255.255.252",
    "closed.example": "9.2.0.192 ! REFUSED",
    "mute.example": "9.2.0.192 ! SILENT",
    "ill.example": f"9.2.0.192 ! SERVFAIL\n8.2.0.192 A 127.0.0.2\n{TESTS}",
    "wild.example": "* A 127.0.0.2",
    "parked.example": "* A 198.51.100.80",
    "wild6.example": f"2.0.0.127 A 127.0.0.2\n*.0.0.0.0 A 127.0.0.2\n{NINE} A 127.0.0.2",
    "dull.example": "2.0.0.127 ! SERVFAIL",
    "example": "beneath.in A 192.0.2.1",
}


def subject(*ips, lists):
    return Subject(
        domain="shop.example",
        relay_ips=tuple(map(ip_address, ips)),
        blocklists=tuple(f"{each}.example" for each in lists.split()),
    )


@pytest.mark.parametrize(
    ("ip", "lists", "told"),
    [
        ("192.0.2.9", "list", "fail blocklist_listed"),
        ("2001:db8::9", "list", "fail blocklist_listed"),
        ("::ffff:192.0.2.9", "list", "fail blocklist_listed"),
        ("192.0.2.8", "list", "pass blocklist_clean"),
        ("2001:db8::8", "list", "pass blocklist_clean"),
        ("192.0.2.9", "shy", "info blocklist_query_refused"),
        ("192.0.2.9", "sly", "info blocklist_query_refused"),
        ("192.0.2.9", "closed", "info blocklist_query_refused"),
        ("192.0.2.9", "mute", "unknown dns_timeout"),
        ("192.0.2.9", "ill", "unknown dns_servfail"),
        ("192.0.2.9", "ill list", "fail blocklist_listed dns_servfail"),
        ("192.0.2.9", "shy list", "fail blocklist_listed blocklist_query_refused"),
        ("192.0.2.8", "shy list", "info blocklist_query_refused"),
        ("192.0.2.9", "ill shy", "unknown dns_servfail blocklist_query_refused"),
        # RFC 5782 §5: who has everybody, or is not there, says nothing of anybody.
        ("192.0.2.9", "wild", "info blocklist_query_refused"),
        ("2001:db8::9", "wild6", "info blocklist_query_refused"),
        ("192.0.2.9", "wild list", "fail blocklist_listed blocklist_query_refused"),
        ("192.0.2.9", "parked", "info blocklist_query_refused"),
        ("192.0.2.9", "gone", "info blocklist_query_refused"),
        # Without entries for tests a list may still be one.
        ("192.0.2.9", "plain", "fail blocklist_listed"),
        ("192.0.2.8", "plain", "pass blocklist_clean"),
        ("192.0.2.8", "in", "pass blocklist_clean"),
        ("192.0.2.8", "dull", "pass blocklist_clean"),
    ],
)
def test_lists_are_asked_where_somebody_chose_them(checked, ip, lists, told):
    check = checked(LISTS, check_blocklists, subject(ip, lists=lists))

    assert " ".join((check.status, *check.reasons)) == told


def test_nobody_is_asked_without_a_list(checked):
    assert checked(LISTS, check_blocklists, subject("192.0.2.9", lists="")) is None


def test_each_list_is_told_with_what_its_word_is_worth(checked):
    asked = subject("192.0.2.9", lists="list shy wild gone parked")

    check = checked(LISTS, check_blocklists, asked)

    assert [state.value for state in check.facts["lists"].values()] == [
        *("listed", "refused", "everybody", "no_list", "no_list")
    ]
    assert check.found == ("192.0.2.9 list.example 127.0.0.4",)
    assert check.facts["listings"] == ["https://list.example/why?ip=192.0.2.9"]


def test_a_list_that_may_be_out_of_use_is_named(checked):
    asked = subject("192.0.2.8", lists="list plain dull closed")

    check = checked(LISTS, check_blocklists, asked)

    assert check.facts["untested"] == ["plain.example", "closed.example"]
    assert check.facts["unanswered"] == []


def test_what_there_was_no_room_to_ask_is_not_in_order(checked):
    """One report asks sixteen times at lists."""
    asked = subject(*(f"192.0.2.{n}" for n in range(100, 109)), lists="plain ill")

    check = checked(LISTS, check_blocklists, asked)

    assert check.reasons == ("dns_timeout",)
    assert list(check.facts["lists"].values()).count("clean") == 16
    assert check.facts["unanswered"] == ["plain.example", "ill.example"]
    assert check.facts["room_for"] == "16 questions"
