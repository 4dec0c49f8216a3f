"""The From domain and where answers to it go."""

from __future__ import annotations

import pytest

from portal.deliverability.from_domain import check_from_domain
from portal.deliverability.mx import check_mx
from portal.deliverability.types import Subject

SHOP = Subject(domain="shop.example")
OTHER = {"other.example": "mx A 192.0.2.8\nalias CNAME mx"}


@pytest.mark.parametrize(
    ("zone", "reason", "status"),
    [
        ("@ A 192.0.2.1", "from_domain_ok", "pass"),
        ("@ MX 10 mail.other.example.", "from_domain_ok", "pass"),
        ('@ TXT "hello"', "from_domain_no_mail_records", "warn"),
        ("www A 192.0.2.1", "from_domain_no_mail_records", "warn"),
        ("@ ! SERVFAIL", "dns_servfail", "unknown"),
        ("@ ! SILENT", "dns_timeout", "unknown"),
    ],
)
def test_a_domain_is_there_or_not(checked, zone, reason, status):
    check = checked({"shop.example": zone}, check_from_domain, SHOP)

    assert (check.reasons, check.status) == ((reason,), status)


def test_no_data_is_no_absence(checked):
    gone = checked({"example": "www.other A 192.0.2.1"}, check_from_domain, SHOP)
    beneath = checked({"example": "www.shop A 192.0.2.1"}, check_from_domain, SHOP)

    assert gone.reasons == ("from_domain_nxdomain",)
    assert beneath.reasons == ("from_domain_no_mail_records",)


@pytest.mark.parametrize(
    ("zone", "reason", "status"),
    [
        ("@ MX 10 mx.other.example.", "mx_ok", "pass"),
        ("@ MX 0 .", "mx_null", "fail"),
        ("@ A 192.0.2.1", "mx_missing_implicit_a", "warn"),
        ('@ TXT "x"', "mx_missing", "fail"),
        ("@ MX 10 192.0.2.1", "mx_points_to_ip", "fail"),
        ("@ MX 10 gone.other.example.", "mx_target_unresolvable", "fail"),
        ("@ MX 10 alias.other.example.", "mx_points_to_cname", "warn"),
        ("@ MX 10 mx.elsewhere.test.", "dns_refused", "unknown"),
        (
            "@ MX 10 mx.elsewhere.test.\n@ MX 20 mx.other.example.",
            "mx_ok",
            "pass",
        ),
        ("@ ! SERVFAIL", "dns_servfail", "unknown"),
    ],
)
def test_where_answers_go(checked, zone, reason, status):
    check = checked({"shop.example": zone, **OTHER}, check_mx, SHOP)

    assert (check.reasons, check.status) == ((reason,), status)


def test_one_bad_host_among_good_ones_is_named(checked):
    zone = "@ MX 10 mx.other.example.\n@ MX 20 gone.other.example."

    check = checked({"shop.example": zone, **OTHER}, check_mx, SHOP)

    assert check.reasons == ("mx_target_unresolvable",)
    assert len(check.found) == 2


@pytest.mark.parametrize(
    ("typed", "close"),
    [
        ("shopp.example", ["shop.example"]),
        ("news.shop.example", ["shop.example"]),
        ("shop.con", ["shop.com"]),
        ("shpo.example", ["shop.example"]),
        ("gmial.com", ["gmail.com"]),
        ("gmal.com", ["gmail.com"]),
        ("qwerty.example", []),
    ],
)
def test_a_slip_of_the_pen_is_told(checked, typed, close):
    zones = {
        "shop.example": "@ A 192.0.2.1",
        "shop.com": "@ A 192.0.2.1",
        "example": "www A 192.0.2.1",
        "con": "www A 192.0.2.1",
        "com": "gmail MX 10 gmail",
    }

    check = checked(zones, check_from_domain, Subject(domain=typed))

    assert check.reasons == ("from_domain_nxdomain",)
    assert check.facts["close"] == close


def test_no_mail_host_is_proposed_beside_an_alias(checked):
    zones = {
        "shop.example": "news CNAME pages.host.example.\nblog CNAME www\nwww TXT hello",
        "host.example": "pages A 192.0.2.9",
    }

    abroad = checked(zones, check_mx, Subject(domain="news.shop.example"))
    at_home = checked(zones, check_mx, Subject(domain="blog.shop.example"))

    assert "news.shop.example is an alias of pages.host.ex" in abroad.fixes[0].note
    assert at_home.fixes[0].name == "www.shop.example"
    assert "alias" not in at_home.fixes[0].note
