"""The SPF of a sender: each reason, where it comes from, and the record that mends it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from portal.deliverability.spf.judging import check_spf
from portal.deliverability.spf.merging import Change, merged_spf
from portal.deliverability.types import (
    Expectation,
    Record,
    ReturnPathExpected,
    SpfExpected,
    Status,
    Subject,
)

POST = Expectation(
    id="post", name="Post", spf=SpfExpected(includes=("include:_spf.post.example",))
)
PROVIDER = {
    "post.example": """
        _spf  TXT "v=spf1 ip4:192.0.2.0/24 -all"
        other TXT "v=spf1 include:_spf.post.example ?all"
        open  TXT "v=spf1 +all"
        round TXT "v=spf1 include:round.post.example -all"
        odd   TXT "v=spf1 ip5:1 -all"
        sick  !   SERVFAIL
    """,
    "example-all": "",
}
MANY = " ".join(f"exists:e{number}.up.shop.example" for number in range(10))


def at(record):
    lines = [record] if isinstance(record, str) else record
    parts = [f'"{line[:200]}" "{line[200:]}"' for line in lines]  # 255 at most each
    return (
        "\n".join(f"@ TXT {part}" for part in parts)
        + "\nmail A 192.0.2.9\n*.up A 192.0.2.9"
    )


@pytest.mark.parametrize(
    ("record", "reasons", "status"),
    [
        ("v=spf1 include:_spf.post.example ~all", ("spf_ok",), "pass"),
        ("V=SPF1   INCLUDE:_spf.post.example   -ALL", ("spf_ok",), "pass"),
        ("v=spf1 redirect=_spf.post.example", ("spf_ok",), "pass"),
        (
            "v=spf1 include:other.post.example ~all",
            ("spf_ok",),
            "pass",
        ),
        ([], ("spf_missing",), "fail"),
        (["v=spf10 -all", "spf2.0/pra -all"], ("spf_missing",), "fail"),
        (
            ["v=spf1 include:_spf.post.example -all", "v=spf1 mx -all"],
            ("spf_multiple_records",),
            "fail",
        ),
        ("v=spf1 ip4:192.0.2.300 -all", ("spf_syntax_error",), "fail"),
        ("v=spf1 include:_spf.post.example-all", ("spf_include_no_record",), "fail"),
        ("v=spf1 a:mail.shop.example ~all", ("spf_provider_not_authorised",), "fail"),
        (
            "v=spf1 -all include:_spf.post.example",
            ("spf_provider_not_authorised", "spf_unreachable_terms"),
            "fail",
        ),
        (
            f"v=spf1 include:_spf.post.example {MANY} ~all",
            ("spf_too_many_lookups",),
            "fail",
        ),
        (
            f"v=spf1 include:_spf.post.example {MANY[:-26]} ~all",
            ("spf_lookups_near_limit",),
            "warn",
        ),
        (
            "v=spf1 include:_spf.post.example a:x.shop.example ~all",
            ("spf_void_lookups",),
            "warn",
        ),
        (
            "v=spf1 include:_spf.post.example a:x.shop.example a:y.shop.example"
            " mx:z.shop.example ~all",
            ("spf_too_many_void_lookups",),
            "fail",
        ),
        (
            "v=spf1 include:_spf.post.example include:round.post.example ~all",
            ("spf_loop",),
            "fail",
        ),
        (
            "v=spf1 include:_spf.post.example include:odd.post.example ~all",
            ("spf_syntax_error",),
            "fail",
        ),
        (
            "v=spf1 include:_spf.post.example include:gone.post.example ~all",
            ("spf_include_no_record",),
            "fail",
        ),
        (
            "v=spf1 include:_spf.post.example redirect=gone.post.example",
            ("spf_redirect_no_record",),
            "fail",
        ),
        (
            "v=spf1 include:_spf.post.example include:sick.post.example ~all",
            ("dns_servfail",),
            "unknown",
        ),
        ("v=spf1 include:_spf.post.example +all", ("spf_plus_all",), "fail"),
        ("v=spf1 redirect=open.post.example", ("spf_plus_all",), "fail"),
        ("v=spf1 include:_spf.post.example ?all", ("spf_neutral_all",), "warn"),
        ("v=spf1 include:_spf.post.example", ("spf_no_all",), "warn"),
        (
            "v=spf1 include:_spf.post.example ptr ~all",
            ("spf_ptr_mechanism",),
            "warn",
        ),
        (
            "v=spf1 include:_spf.post.example ~all redirect=_spf.post.example",
            ("spf_unreachable_terms",),
            "warn",
        ),
    ],
)
def test_a_record_of_the_from_domain(checked, record, reasons, status):
    zones = {"shop.example": at(record), **PROVIDER}

    check = checked(zones, check_spf, Subject(domain="shop.example", expectation=POST))

    assert check.reasons[: len(reasons)] == reasons
    assert check.status == status


@pytest.mark.parametrize("fate", ["SERVFAIL", "REFUSED", "SILENT"])
def test_what_could_not_be_asked_is_not_missing(checked, fate):
    subject = Subject(domain="shop.example", expectation=POST)

    check = checked({"shop.example": f"@ ! {fate}"}, check_spf, subject)

    assert check.status is Status.UNKNOWN
    assert check.reasons[0].startswith("dns_")
    assert not check.fixes


@pytest.mark.parametrize(
    ("texts", "terms", "merged"),
    [
        ((), ["include:a.example"], "v=spf1 include:a.example ~all"),
        (
            ("v=spf1 mx -all",),
            ["include:a.example"],
            "v=spf1 mx include:a.example -all",
        ),
        (
            ("v=spf1 mx -all", "v=spf1 mx ip4:192.0.2.1 ~all"),
            [],
            "v=spf1 mx ip4:192.0.2.1 ~all",
        ),
        (("v=spf1 mx -all", "v=spf1 a +all"), [], "v=spf1 mx a ~all"),
        (
            ("v=spf1 redirect=b.example", "v=spf1 mx -all"),
            [],
            "v=spf1 mx include:b.example -all",
        ),
        (
            ("v=spf1 a:192.0.2.1 ip4: 192.0.2.2/28 ipv6:2001:db8::1 mx, +all.",),
            [],
            "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2/28 ip6:2001:db8::1 mx ~all",
        ),
        (("v=spf1 ?mx v=spf1 +a -all",), ["mx"], "v=spf1 +a mx -all"),
        (("v=spf1 redirect=b.example",), ["mx"], "v=spf1 mx redirect=b.example"),
        (("v=spf1 a redirect=b.example -all",), ["mx"], "v=spf1 a mx -all"),
        (("v=spf1 a +all",), [], "v=spf1 a ~all"),
        (("v=spf1 a ip4:1.2.3 b:c -all",), ["mx"], "v=spf1 a mx -all"),
    ],
)
def test_one_record_says_it_all(texts, terms, merged):
    assert merged_spf(texts, Change(terms=tuple(terms))) == (
        merged or "v=spf1 mx ip4:192.0.2.1 -all"
    )


def test_the_fix_is_the_whole_record_with_its_place(checked):
    zones = {
        "shop.example": 'news TXT "v=spf1 mx -all"\nnews MX 10 mail\nmail A 192.0.2.9'
    }
    subject = Subject(domain="news.shop.example", expectation=POST)

    check = checked({**zones, **PROVIDER}, check_spf, subject)

    (made,) = check.fixes
    assert (made.name, made.host, made.type) == ("news.shop.example", "news", "TXT")
    assert made.value == "v=spf1 mx include:_spf.post.example -all"


BOUNCES = Expectation(
    id="bounces",
    name="Bounces",
    spf=SpfExpected(
        evaluated_at="return_path",
        required_at_from_domain=False,
        includes=("include:_spf.post.example",),
    ),
    return_path=ReturnPathExpected(
        host="pm.shop.example",
        records=(Record(type="CNAME", value="bounce.post.example"),),
    ),
)


@pytest.mark.parametrize(
    ("zone", "reason", "status"),
    [
        ("pm CNAME bounce.post.example.", "spf_ok", "pass"),
        ('pm TXT "v=spf1 include:_spf.post.example ~all"', "spf_ok", "pass"),
        ('pm TXT "v=spf1 mx ~all"', "spf_provider_not_authorised", "fail"),
        ("www A 192.0.2.1", "spf_return_path_missing", "warn"),
        ("pm ! SILENT", "dns_timeout", "unknown"),
    ],
)
def test_spf_counts_at_the_return_path(checked, zone, reason, status):
    zones = {
        "shop.example": zone,
        "post.example": PROVIDER["post.example"]
        + 'bounce TXT "v=spf1 ip4:192.0.2.1 ~all"',
    }
    subject = Subject(domain="shop.example", expectation=BOUNCES)

    check = checked(zones, check_spf, subject)

    assert (check.reasons[0], check.status) == (reason, status)
    if reason == "spf_return_path_missing":
        assert [(f.name, f.type, f.value) for f in check.fixes] == [
            ("pm.shop.example", "CNAME", "bounce.post.example")
        ]
        assert "proxy" in check.fixes[0].note


def test_the_envelope_of_the_provider_is_its_own_matter(checked):
    own = Expectation(
        id="own", name="Own", spf=SpfExpected(evaluated_at="provider_domain")
    )

    check = checked({}, check_spf, Subject(domain="shop.example", expectation=own))

    assert (check.status, check.reasons) == (Status.INFO, ("spf_not_required",))


@pytest.mark.parametrize(
    ("ip", "reason"),
    [
        ("192.0.2.7", "spf_ok"),
        ("198.51.100.7", "spf_relay_ip_not_authorised"),
        ("2001:db8::7", "spf_relay_ip_not_authorised"),
    ],
)
def test_own_relays_are_judged_as_a_receiver_would(checked, ip, reason):
    zones = {"shop.example": at("v=spf1 exists:%{ir}.ok.shop.example -all")}
    zones["shop.example"] += "\n7.2.0.192.ok A 127.0.0.2"
    relay = Expectation(id="relay", name="Own relay", own_relay=True, spf=SpfExpected())
    subject = Subject(
        domain="shop.example", expectation=relay, relay_ips=(ip_address(ip),)
    )

    check = checked(zones, check_spf, subject)

    assert check.reasons[0] == reason
    if reason != "spf_ok":
        version = 6 if ":" in ip else 4
        assert f"ip{version}:{ip} -all" in check.fixes[0].value


def test_the_tree_is_counted_branch_by_branch(checked):
    zones = {
        "shop.example": at("v=spf1 include:a.example mx ~all") + "\n@ MX 10 mail",
        "a.example": '@ TXT "v=spf1 include:b.example a ~all"\n@ A 192.0.2.1',
        "b.example": '@ TXT "v=spf1 ip4:192.0.2.2 ~all"',
    }

    facts = checked(zones, check_spf, Subject(domain="shop.example")).facts

    assert (facts["lookups"], facts["void_lookups"]) == (4, 0)
    (branch,) = facts["tree"]["branches"]
    assert (branch["domain"], branch["lookups"]) == ("a.example", 2)
    assert facts["heaviest"] == "a.example"
