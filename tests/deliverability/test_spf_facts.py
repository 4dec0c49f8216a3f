"""What people are told of an SPF tree: counts, names, and where a record may stand."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portal.deliverability.spf.judging import check_spf
from portal.deliverability.types import Expectation, SpfExpected, Subject

SHOP = Subject(
    domain="shop.example",
    expectation=Expectation(
        id="post", name="Post", spf=SpfExpected(includes=("include:spf.post.example",))
    ),
)
POST = {"post.example": 'spf TXT "v=spf1 ip4:192.0.2.0/24 -all"'}


def told(checked, *lines, subject=SHOP, **zones):
    zone = "\n".join(["mail A 192.0.2.1", "@ MX 10 mail", *lines])
    return checked({"shop.example": zone, **POST, **zones}, check_spf, subject)


def test_the_branch_that_costs_most_is_named_with_what_it_costs(checked):
    facts = told(
        checked,
        '@ TXT "v=spf1 include:spf.post.example include:crm.shop.example a mx -all"',
        'crm TXT "v=spf1 include:one.shop.example mx:shop.example -all"',
        'one TXT "v=spf1 a:gone.shop.example exists:%{i}.x.example -all"',
    ).facts

    assert (facts["lookups"], facts["heaviest"]) == (8, "crm.shop.example")
    assert facts["void"] == ["a:shop.example", "a:gone.shop.example"]
    assert facts["void_lookups"] == 2
    post, crm = facts["tree"]["branches"]
    assert (post["domain"], post["lookups"]) == ("spf.post.example", 0)
    assert (crm["term"], crm["lookups"]) == ("include:crm.shop.example", 4)
    assert [each["domain"] for each in crm["branches"]] == ["one.shop.example"]


def test_no_branch_is_the_heaviest_where_all_are_leaves(checked):
    facts = told(checked, '@ TXT "v=spf1 include:spf.post.example mx -all"').facts

    assert facts["heaviest"] is None


@pytest.mark.parametrize(
    ("below", "fact", "names"),
    [
        ("www A 192.0.2.1", "without_record", ["b.shop.example"]),
        ('b TXT "v=spf1 include:shop.example -all"', "in_a_circle", ["shop.example"]),
        ('b TXT "v=spf1 ip5:1 -all"', "unreadable", ["b.shop.example"]),
        (
            'b TXT "v=spf1 -all"\nb TXT "v=spf1 mx -all"',
            "with_several",
            ["b.shop.example"],
        ),
        ("b ! REFUSED", "unanswered", ["b.shop.example"]),
        (
            'b TXT "v=spf1 a:c.shop.example -all"\nc ! REFUSED',
            "unanswered",
            ["c.shop.example"],
        ),
    ],
)
def test_what_is_wrong_below_is_named(checked, below, fact, names):
    record = '@ TXT "v=spf1 include:spf.post.example include:b.shop.example -all"'

    facts = told(checked, record, below).facts

    assert facts[fact] == names
    assert facts["name"] == (names[0] if fact == "unanswered" else None)


def test_the_term_that_cannot_be_read_is_told_also_from_below(checked):
    record = '@ TXT "v=spf1 include:spf.post.example include:b.shop.example -all"'

    facts = told(checked, record, 'b TXT "v=spf1 ip5:1 -all"').facts

    assert facts["term"] == "ip5:1"
    assert facts["tree"]["branches"][1]["fault"] == "ip5:1"


def test_each_address_has_the_result_of_its_evaluation(checked):
    ips = ("192.0.2.7", "198.51.100.7", "2001:db8::7")
    relay = Subject(
        domain="shop.example",
        expectation=Expectation(id="own", name="Own", own_relay=True),
        relay_ips=tuple(map(ip_address, ips)),
    )

    check = told(
        checked, '@ TXT "v=spf1 ip4:192.0.2.7 ip6:2001:db8::/32 ~all"', subject=relay
    )

    assert list(check.facts["relays"].values()) == ["pass", "softfail", "pass"]


def test_nothing_is_published_beside_an_alias_into_another_zone(checked):
    news = Subject(domain="news.shop.example", expectation=SHOP.expectation)

    check = told(
        checked,
        "news CNAME pages.host.example.",
        subject=news,
        **{"host.example": "pages A 192.0.2.9"},
    )

    (fix,) = check.fixes
    assert fix.name == "news.shop.example"
    assert "alias of pages.host.example" in fix.note
    assert "no other record may stand beside a CNAME" in fix.note
