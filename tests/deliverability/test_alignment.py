"""Alignment with From: by signature, by envelope, for the provider in question."""

from __future__ import annotations

import pytest

from portal.deliverability.dmarc.judging import check_dmarc
from portal.deliverability.types import (
    DkimExpected,
    Expectation,
    ReturnPathExpected,
    SpfExpected,
    Status,
    Subject,
)
from tests.deliverability.shop import (
    DKIM_BAD,
    DKIM_OK,
    DKIM_WHO,
    GOOD,
    SPF_BAD,
    SPF_OK,
    shop,
)

BOUNCE = Expectation(
    id="bounce",
    name="Bounce",
    spf=SpfExpected(evaluated_at="return_path"),
    return_path=ReturnPathExpected(host="bounce.shop.example"),
    dkim=DkimExpected(),
)
FOREIGN = Expectation(
    id="foreign", name="Foreign", spf=SpfExpected(evaluated_at="provider_domain")
)


@pytest.mark.parametrize(
    ("expectation", "signing", "tags", "spf", "dkim", "reason"),
    [
        (BOUNCE, None, "", SPF_OK, DKIM_BAD, "dmarc_ok"),
        (BOUNCE, None, "", SPF_BAD, DKIM_OK, "dmarc_ok"),
        (BOUNCE, None, "", SPF_BAD, DKIM_BAD, "dmarc_not_aligned"),
        (BOUNCE, None, "", SPF_BAD, DKIM_WHO, "dns_timeout"),
        (BOUNCE, None, "", SPF_OK, DKIM_WHO, "dmarc_ok"),
        (BOUNCE, None, "aspf=s", SPF_OK, DKIM_BAD, "dmarc_strict_alignment"),
        (BOUNCE, "mg.shop.example", "", SPF_BAD, DKIM_OK, "dmarc_ok"),
        (
            BOUNCE,
            "mg.shop.example",
            "adkim=s",
            SPF_BAD,
            DKIM_OK,
            "dmarc_strict_alignment",
        ),
        (BOUNCE, "other.example", "", SPF_BAD, DKIM_OK, "dmarc_not_aligned"),
        (FOREIGN, None, "", SPF_OK, None, "dmarc_not_aligned"),
        (FOREIGN, None, "", SPF_OK, DKIM_OK, "dmarc_ok"),
    ],
)
def test_one_of_the_two_has_to_align(
    checked, expectation, signing, tags, spf, dkim, reason
):
    subject = Subject(
        domain="shop.example", expectation=expectation, signing_domain=signing
    )
    zones = shop(f"{GOOD}; {tags}") | {"other.example": "www A 192.0.2.1"}

    check = checked(zones, check_dmarc, subject, spf, dkim)

    assert check.reasons[0] == reason


def test_somebody_elses_free_mail_never_aligns(checked):
    zones = {"gmail.com": '_dmarc TXT "v=DMARC1; p=none; rua=mailto:d@gmail.com"'}

    first, second = (
        checked(
            zones,
            check_dmarc,
            Subject(domain="gmail.com", somebody_elses=each),
            SPF_OK,
            DKIM_OK,
        )
        for each in (True, False)
    )

    assert (first.status, first.reasons[0]) == (Status.FAIL, "dmarc_not_aligned")
    assert second.reasons == ("dmarc_policy_none",)


def test_the_older_view_is_shown_where_it_differs(checked):
    zones = {
        "co.uk": '_dmarc.a.shop TXT "v=DMARC1; p=reject; psd=n; rua=mailto:d@shop.co.uk"'
        '\n_dmarc.shop TXT "v=DMARC1; p=none"\nb.a.shop A 192.0.2.1'
    }

    check = checked(
        zones, check_dmarc, Subject(domain="b.a.shop.co.uk"), SPF_OK, DKIM_OK
    )

    assert check.facts["policy"] == "reject"
    assert check.facts["rfc7489"] == {
        "policy": "none",
        "organization": "shop.co.uk",
        "pct": 100,
        "aligned": True,
    }


def test_the_older_view_has_other_organizations(checked):
    """A department of its own (psd=n) is its parent's to the list of suffixes."""
    zones = shop(
        GOOD, "_dmarc.news TXT v=DMARC1; p=reject; psd=n; rua=mailto:d@shop.example"
    )
    subject = Subject(domain="news.shop.example", signing_domain="shop.example")

    check = checked(zones, check_dmarc, subject, SPF_BAD, DKIM_OK)

    assert check.reasons == ("dmarc_not_aligned",)
    assert check.facts["rfc7489"]["policy"] == "reject"
    assert check.facts["rfc7489"]["aligned"] is True


def test_what_did_not_answer_is_named(checked):
    """What hangs on it is unknown; who gets the reports is all that a vendor leaves
    open."""
    subject = Subject(domain="shop.example", expectation=BOUNCE)
    zones = shop("v=DMARC1; p=reject; rua=mailto:a@vendor.example")
    zones["vendor.example"] = "shop.example._report._dmarc ! SERVFAIL"

    hanging = checked(shop(GOOD), check_dmarc, subject, SPF_BAD, DKIM_WHO)
    silent = checked(zones, check_dmarc, subject, SPF_OK, DKIM_WHO)

    assert (hanging.status, hanging.reasons) == (Status.UNKNOWN, ("dns_timeout",))
    assert hanging.facts["name"] == "shop.example"
    assert (silent.status, silent.reasons) == (Status.UNKNOWN, ("dns_servfail",))
    assert silent.facts["name"] == "shop.example._report._dmarc.vendor.example"
    assert silent.facts["aligned"] == {"dkim": None, "spf": True}
