"""DMARC by RFC 9989: the walk, the policy that holds, alignment, reports."""

from __future__ import annotations

import asyncio

import pytest

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.judging import check_dmarc
from portal.deliverability.dmarc.record import is_dmarc, read
from portal.deliverability.dmarc.walk import names, walk
from portal.deliverability.types import Status, Subject
from portal.net.records import NameServers
from tests.deliverability.shop import DKIM_OK, GOOD, SPF_OK, quoted, shop
from tests.net.zones import Zones


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("v=DMARC1", True),
        ("V = DMARC1 ; p=none", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC10; p=none", False),
        ("p=none; v=DMARC1", False),
    ],
)
def test_which_text_is_a_record(text, one):
    assert is_dmarc(text) is one


def test_bad_tags_fall_back_to_defaults():
    record = read(
        "v=DMARC1; P=Quarantine; aspf=strict; adkim=s; pct=200; x=1; t=Y;;junk"
    )

    assert record.policy == record.for_subdomains == record.for_absent == "quarantine"
    assert (record.is_strict_dkim, record.is_strict_spf, record.is_test) == (
        True,
        False,
        True,
    )
    assert record.broken == ("aspf=strict", "pct=200", "junk")
    assert record.pct == 100


@pytest.mark.parametrize("tag", ["sp=nothing", "np=rejct", "p=all", "sp=reject\u00a0"])
def test_a_policy_that_is_none_makes_none_of_all(tag):
    """RFC 9989 §4.10.1: as if the record said p=none, at best."""
    record = read(f"v=DMARC1; p=reject; {tag}")

    assert record.policy == record.for_subdomains == record.for_absent == "none"
    assert record.unsound == (tag.partition("=")[0],)


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("shop.example", ("shop.example", "example")),
        ("a.b.c.d.e.f.g", ("a.b.c.d.e.f.g", "b.c.d.e.f.g", "c.d.e.f.g", "d.e.f.g", "e.f.g", "f.g", "g")),
        (
            "a.b.c.d.e.f.g.h.i.j",
            (
                "a.b.c.d.e.f.g.h.i.j",
                "d.e.f.g.h.i.j",
                "e.f.g.h.i.j",
                "f.g.h.i.j",
                "g.h.i.j",
                "h.i.j",
                "i.j",
                "j",
            ),
        ),
    ],
)  # fmt: skip
def test_the_names_of_a_walk(domain, asked):
    assert names(domain) == asked


@pytest.mark.parametrize(
    ("zone", "organization", "source"),
    [
        ("_dmarc.shop TXT v=DMARC1", "shop.example", "shop.example"),
        ("_dmarc.a.shop TXT v=DMARC1", "a.shop.example", "a.shop.example"),
        (
            "_dmarc.shop TXT v=DMARC1\n_dmarc.b.a.shop TXT v=DMARC1",
            "shop.example",
            "b.a.shop.example",
        ),
        (
            "_dmarc.shop TXT v=DMARC1\n_dmarc.a.shop TXT v=DMARC1;psd=n",
            "a.shop.example",
            "a.shop.example",
        ),
        ("_dmarc TXT v=DMARC1;psd=y", "shop.example", "example"),
        (
            "_dmarc TXT v=DMARC1;psd=y\n_dmarc.shop TXT v=DMARC1",
            "shop.example",
            "shop.example",
        ),
        ("_dmarc.shop TXT v=DMARC1\n_dmarc.shop TXT v=DMARC1;p=none", None, None),
        ("www A 192.0.2.1", None, None),
    ],
)
def test_the_walk_finds_organization_and_policy(zone, organization, source):
    async def walked(served):
        async with Asking(NameServers(served.address)) as asking:
            return await walk(asking, "b.a.shop.example")

    with Zones({"example": quoted(zone)}) as served:
        found = asyncio.run(walked(served))

    assert found.organization == organization
    assert (found.source and found.source.domain) == source


@pytest.mark.parametrize(
    ("record", "reason", "status"),
    [
        (GOOD, "dmarc_ok", "pass"),
        ("v=DMARC1; p=none; rua=mailto:d@shop.example", "dmarc_policy_none", "warn"),
        ("v=DMARC1; p=reject", "dmarc_no_rua", "warn"),
        (f"{GOOD}; t=y", "dmarc_test_mode", "warn"),
        (f"{GOOD}; pct=50", "dmarc_pct_partial", "warn"),
        (f"{GOOD}; sp=nothing", "dmarc_syntax_error", "warn"),
        ("v=DMARC1; p=block", "dmarc_invalid_policy", "fail"),
        ("v=DMARC1; rua=mailto:d@shop.example", "dmarc_invalid_policy", "warn"),
        ("v=DMARC1; p=reject; rua=https://x.example/d", "dmarc_rua_not_mailto", "warn"),
        ("v=DMARC1; p=reject; rua=dmarc@shop.example", "dmarc_rua_invalid", "warn"),
        ("v=DMARC1; p=reject; rua=mailto:no-at", "dmarc_rua_invalid", "warn"),
        (
            "v=DMARC1; p=reject; rua=mailto:a@vendor.example!10m",
            "dmarc_rua_external_unauthorised",
            "warn",
        ),
        ("v=DMARC1; p=reject; rua=mailto:a@good.vendor.example", "dmarc_ok", "pass"),
        ("v=dmarc1; p=reject", "dmarc_invalid_version", "fail"),
        ("p=reject; v=DMARC1", "dmarc_invalid_version", "fail"),
    ],
)
def test_a_record(checked, record, reason, status):
    zones = shop(record)
    zones["vendor.example"] = '*._report._dmarc.good TXT "v=DMARC1"\nwww A 192.0.2.1'
    subject = Subject(domain="shop.example")

    check = checked(zones, check_dmarc, subject, SPF_OK, DKIM_OK)

    assert reason in check.reasons
    assert check.status == status


@pytest.mark.parametrize(
    ("zone", "reason"),
    [
        ("www A 192.0.2.1", "dmarc_missing"),
        (f"@ TXT {GOOD}", "dmarc_record_at_wrong_name"),
        (f"_dmarc.shop.example TXT {GOOD}", "dmarc_name_doubled"),
        (f"_dmarc TXT {GOOD}\n_dmarc TXT v=DMARC1; p=none", "dmarc_multiple_records"),
        (f"*  TXT {GOOD[:-3]}\n_dmarc TXT v=spf1 -all", "dmarc_missing"),
    ],
)
def test_no_record(checked, zone, reason):
    zones = {"shop.example": quoted(zone), "example": "www A 192.0.2.1"}

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert (check.status, check.reasons) == (Status.FAIL, (reason,))
    (made,) = check.fixes
    assert (made.name, made.host) == ("_dmarc.shop.example", "_dmarc")
    # What stands elsewhere is moved, not lost; of several the mildest is kept.
    mild = reason in ("dmarc_missing", "dmarc_multiple_records")
    assert made.value == (GOOD.replace("reject", "none") if mild else GOOD)


def test_unrelated_text_beside_the_record_is_harmless(checked):
    zones = shop(f"{GOOD}\n_dmarc TXT google-site-verification=x")

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert check.reasons == ("dmarc_ok",)


@pytest.mark.parametrize(
    ("domain", "tags", "policy", "reason"),
    [
        ("news.shop.example", "p=reject", "reject", "dmarc_inherited"),
        (
            "news.shop.example",
            "p=reject; sp=none",
            "none",
            "dmarc_subdomain_policy_none",
        ),
        (
            "gone.shop.example",
            "p=reject; np=quarantine",
            "quarantine",
            "dmarc_inherited",
        ),
        ("gone.shop.example", "p=none; sp=reject", "reject", "dmarc_inherited"),
    ],
)
def test_the_policy_of_what_is_below(checked, domain, tags, policy, reason):
    zones = shop(f"v=DMARC1; {tags}; rua=mailto:d@shop.example")

    check = checked(zones, check_dmarc, Subject(domain=domain), SPF_OK, DKIM_OK)

    assert check.facts["policy"] == policy
    assert reason in check.reasons


@pytest.mark.parametrize("fate", ["SERVFAIL", "SILENT"])
def test_what_could_not_be_asked_is_not_missing(checked, fate):
    zones = {"shop.example": f"_dmarc ! {fate}"}

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert check.status is Status.UNKNOWN


def test_the_record_that_a_vendor_lacks_is_told(checked):
    zones = shop("v=DMARC1; p=reject; rua=mailto:a@in.vendor.example")
    zones["vendor.example"] = "www A 192.0.2.1"

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    (made,) = check.fixes
    assert made.name == "shop.example._report._dmarc.in.vendor.example"
    assert made.host == "shop.example._report._dmarc.in"
    assert (made.type, made.value) == ("TXT", "v=DMARC1")
    assert "vendor.example" in made.note


def test_an_alias_without_a_policy_is_named(checked):
    zones = {"shop.example": "_dmarc CNAME hosted\nhosted A 192.0.2.1"}

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert check.reasons == ("dmarc_missing",)
    assert check.found == ("CNAME hosted.shop.example",)
    assert "hosted.shop.example" in check.fixes[0].note


@pytest.mark.parametrize(
    ("tags", "effective", "older"),
    [
        ("p=reject; t=y", "quarantine", "reject"),
        ("p=reject; pct=20", "reject", "reject"),
        ("p=reject; pct=100", "reject", None),
    ],
)
def test_older_receivers_know_no_test_and_still_share(checked, tags, effective, older):
    zones = shop(f"v=DMARC1; {tags}; rua=mailto:d@shop.example")

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert check.facts["effective_policy"] == effective
    assert (check.facts["rfc7489"] or {}).get("policy") == older
