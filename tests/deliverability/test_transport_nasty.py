"""Policies, reports about TLS and certificates as people really publish them."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from portal.deliverability.asking import Asking
from portal.deliverability.transport.dane import check_dane
from portal.deliverability.transport.mta_sts import check_mta_sts
from portal.deliverability.transport.tls_rpt import check_tls_rpt
from portal.deliverability.types import Subject
from portal.net import https
from portal.net.guard import GuardedNet, Policy
from portal.net.https import HttpAnswer
from portal.net.lookup import Resolver
from portal.net.open import OpenNet
from portal.net.records import NameServers
from portal.net.types import NetFailure, NetTrouble
from tests.net.zones import Zones

SHOP = Subject(domain="shop.example")
POLICY = "version: STSv1\nmode: enforce\nmx: mail.shop.example\nmax_age: 86400\n"
ID = '_mta-sts TXT "v=STSv1; id=20261121"'
MAIL = "@ MX 10 mail\nmail A 192.0.2.2"
MANY = "".join(f"mx: m{n}.shop.example\n" for n in range(300))


def answering(body=POLICY, kind="text/plain", status=200):
    async def fetch(url):
        await asyncio.sleep(0)
        headers = (("content-type", kind),) if kind else ()
        return HttpAnswer(status=status, body=body.encode(), headers=headers)

    return fetch


@pytest.mark.parametrize(
    ("policy", "reason", "status"),
    [
        ({"body": POLICY.replace("\n", "\r\n")}, "mta_sts_ok", "pass"),
        ({"body": POLICY.removesuffix("\n")}, "mta_sts_ok", "pass"),
        ({"body": POLICY.replace("mail", "MAIL")}, "mta_sts_ok", "pass"),
        ({"body": POLICY + "mode: none\n"}, "mta_sts_ok", "pass"),
        ({"body": "version: STSv1\n" + POLICY}, "mta_sts_ok", "pass"),
        ({"body": POLICY + "later: something\n"}, "mta_sts_ok", "pass"),
        ({"body": MANY + POLICY}, "mta_sts_ok", "pass"),
        ({"body": POLICY.replace("86400", "99999999")}, "mta_sts_ok", "pass"),
        ({"kind": "text/plain; charset=utf-8"}, "mta_sts_ok", "pass"),
        ({"kind": "Text/Plain"}, "mta_sts_ok", "pass"),
        ({"kind": "text/plainer"}, "mta_sts_policy_unreachable", "fail"),
        ({"kind": ""}, "mta_sts_policy_unreachable", "fail"),
        ({"status": 500}, "mta_sts_policy_unreachable", "fail"),
        ({"status": 204, "body": ""}, "mta_sts_policy_unreachable", "fail"),
        ({"status": 301}, "mta_sts_redirect", "fail"),
        ({"status": 307}, "mta_sts_redirect", "fail"),
        ({"status": 308}, "mta_sts_redirect", "fail"),
        (
            {"body": POLICY.replace("enforce", "Enforce")},
            "mta_sts_policy_unreachable",
            "fail",
        ),
        (
            {"body": POLICY.replace("mx: mail.shop.example\n", "")},
            "mta_sts_policy_unreachable",
            "fail",
        ),
        ({"body": POLICY.replace("STSv1", "STSv2")}, "mta_sts_policy_unreachable", "fail"),
        (
            {"body": "version: STSv1\nmode: none\nmax_age: 86400\n"},
            "mta_sts_mode_none",
            "warn",
        ),
        ({"body": POLICY.replace("mail.shop", "*.shop")}, "mta_sts_ok", "pass"),
        ({"body": POLICY.replace("mail.shop", "shop")}, "mta_sts_mx_mismatch", "fail"),
        ({"body": POLICY.replace("mail.shop", "*")}, "mta_sts_mx_mismatch", "fail"),
    ],
)  # fmt: skip
def test_a_policy(checked, policy, reason, status):
    zone = {"shop.example": f"{ID}\n{MAIL}"}
    check = checked(zone, check_mta_sts, SHOP, answering(**policy))

    assert (check.reasons[0], check.status) == (reason, status)


@pytest.mark.parametrize(
    ("mail", "reason", "status"),
    [
        ("@ MX 10 mail\n@ MX 20 other", "mta_sts_mx_mismatch", "fail"),
        ("@ MX 0 .", "mta_sts_ok", "pass"),
        ("@ A 192.0.2.1", "mta_sts_mx_mismatch", "fail"),
        ("@ ! SERVFAIL", "dns_servfail", "unknown"),
    ],
)
def test_a_policy_and_the_mail_hosts(checked, mail, reason, status):
    check = checked({"shop.example": f"{ID}\n{mail}"}, check_mta_sts, SHOP, answering())

    assert (check.reasons[0], check.status) == (reason, status)
    assert bool(check.facts["unnamed"]) is (reason == "mta_sts_mx_mismatch")


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([ID, '_mta-sts TXT "v=spf1 -all"'], "mta_sts_ok"),
        (['_mta-sts TXT "v=STSv1 ; id=1;"'], "mta_sts_ok"),
        (['_mta-sts TXT "v=STSv1;id=1; later=x"'], "mta_sts_ok"),
        (['_mta-sts CNAME sts.vendor', 'sts.vendor TXT "v=STSv1; id=1"'], "mta_sts_ok"),
        ([f'_mta-sts TXT "v=STSv1; id={"1" * 33}"'], "mta_sts_absent"),
        (['_mta-sts TXT "v=STSv1; id=2026-11-21"'], "mta_sts_absent"),
        (['_mta-sts TXT "V=STSV1; id=1"'], "mta_sts_absent"),
        (['_mta-sts TXT "id=1; v=STSv1"'], "mta_sts_absent"),
        (['* TXT "v=spf1 -all"'], "mta_sts_absent"),
    ],
)  # fmt: skip
def test_a_record_that_leads_to_a_policy(checked, records, reason):
    zone = {"shop.example": "\n".join([*records, MAIL])}
    check = checked(zone, check_mta_sts, SHOP, answering())

    assert check.reasons[0] == reason


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        ("SERVFAIL", "dns_servfail"),
        ("REFUSED", "dns_refused"),
        ("SILENT", "dns_timeout"),
    ],
)
def test_a_host_that_nobody_tells_of_is_not_down(fate, reason):
    """Its name could not be asked for, which says nothing of the policy."""
    zone = {"shop.example": f"{ID}\n{MAIL}\nmta-sts ! {fate}"}

    async def run(served):
        fetch = partial(https.get, OpenNet(served.address), timeout_s=0.6)
        servers = NameServers(served.address, timeout_s=0.3, rounds=1)
        async with Asking(servers) as asking:
            return await check_mta_sts(asking, SHOP, fetch)

    with Zones(zone) as served:
        check = asyncio.run(run(served))

    assert (check.reasons, check.status) == ((reason,), "unknown")


def test_a_policy_that_takes_too_long(checked):
    async def never(url):
        return await asyncio.Event().wait()

    zone = {"shop.example": f"{ID}\n{MAIL}"}
    check = checked(zone, check_mta_sts, SHOP, never, patience_s=0.3)

    assert check.reasons == ("mta_sts_policy_unreachable",)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254"])
def test_a_policy_inside_is_not_fetched(checked, address):
    zone = {"shop.example": f"{ID}\n{MAIL}\nmta-sts A {address}"}

    async def guarded(asking):
        resolver = Resolver(asking._dns.server)
        policy = Policy(
            resolver=resolver, for_relays=False, ports=frozenset({443}), forbidden_s=0
        )
        net = GuardedNet(policy)
        return await check_mta_sts(asking, SHOP, partial(https.get, net, timeout_s=2))

    check = checked(zone, guarded)

    assert check.reasons == ("mta_sts_policy_unreachable",)


@pytest.mark.parametrize(
    ("fate", "reason", "status"),
    [
        ("mta-sts ! SERVFAIL", "dns_servfail", "unknown"),
        ("", "mta_sts_policy_unreachable", "fail"),
    ],
)
def test_a_policy_host_that_nobody_can_find(checked, fate, reason, status):
    async def found_by(asking):
        net = OpenNet(asking._dns.server)
        return await check_mta_sts(asking, SHOP, partial(https.get, net, timeout_s=2))

    check = checked({"shop.example": f"{ID}\n{MAIL}\n{fate}"}, found_by)

    assert (check.reasons, check.status) == ((reason,), status)


def test_a_refused_connection_is_no_policy(checked):
    async def refused(url):
        await asyncio.sleep(0)
        return NetFailure(trouble=NetTrouble.REFUSED, words="refused")

    check = checked({"shop.example": f"{ID}\n{MAIL}"}, check_mta_sts, SHOP, refused)

    assert check.reasons == ("mta_sts_policy_unreachable",)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("v=TLSRPTv1;rua=mailto:a@a.example,https://r.example/x", "tls_rpt_ok"),
        ("v=TLSRPTv1 ; rua=mailto:a@a.example", "tls_rpt_ok"),
        ("v=TLSRPTv1; rua=MAILTO:a@a.example; later=x;", "tls_rpt_ok"),
        ("v=TLSRPTv1; rua=mailto:a@a.example , mailto:b@b.example", "tls_rpt_ok"),
        ("v=TLSRPTv1; rua=mailto:", "tls_rpt_syntax"),
        ("v=TLSRPTv1; rua=mailto:a", "tls_rpt_syntax"),
        ("v=TLSRPTv1; rua=a@a.example", "tls_rpt_syntax"),
        ("v=TLSRPTv1; rua=mailto:a@a.example,", "tls_rpt_syntax"),
        ("v=TLSRPTv1; rua=http://r.example/", "tls_rpt_syntax"),
        ("rua=mailto:a@a.example; v=TLSRPTv1", "tls_rpt_syntax"),
        ("v=TLSRPTv1; ruf=mailto:a@a.example", "tls_rpt_syntax"),
        ("v=spf1 -all", "tls_rpt_absent"),
    ],
)
def test_a_record_of_reports(checked, record, reason):
    zone = {"shop.example": f'_smtp._tls TXT "{record}"'}
    check = checked(zone, check_tls_rpt, SHOP)

    assert check.reasons == (reason,)
    values = [fix.value for fix in check.fixes]
    mailbox = "a@a.example" if "a@a.example" in record else "tls@shop.example"
    assert values == (
        [] if reason == "tls_rpt_ok" else [f"v=TLSRPTv1; rua=mailto:{mailbox}"]
    )


def test_a_record_of_another_version_does_not_count(checked):
    sound = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:a@a.example"'
    zone = {"shop.example": f'{sound}\n_smtp._tls TXT "v=TLSRPTv10; rua=x"'}

    assert checked(zone, check_tls_rpt, SHOP).reasons == ("tls_rpt_ok",)


def test_of_several_records_a_sound_one_is_kept(checked):
    records = ["v=TLSRPTv1; rua=x", "v=TLSRPTv1; rua=mailto:a@a.example"]
    zone = {"shop.example": "\n".join(f'_smtp._tls TXT "{r}"' for r in records)}
    check = checked(zone, check_tls_rpt, SHOP)

    assert check.reasons == ("tls_rpt_multiple_records",)
    assert [(fix.host, fix.value) for fix in check.fixes] == [
        ("_smtp._tls", records[1])
    ]


SUM = "ab" * 32
TWO = "@ MX 10 one\n@ MX 20 two\none A 192.0.2.2\ntwo A 192.0.2.3"


@pytest.mark.parametrize(
    ("zone", "signed", "reason", "status"),
    [
        (f"{MAIL}\n_25._tcp.mail TLSA 0 0 1 {SUM}", True, "dane_absent", "info"),
        (f"{MAIL}\n_25._tcp.mail TLSA 1 1 1 {SUM}", True, "dane_absent", "info"),
        (f"{MAIL}\n_25._tcp.mail TLSA 2 0 1 {SUM}", True, "dane_ok", "pass"),
        (f"{MAIL}\n_25._tcp.mail TLSA 3 0 1 {SUM}", True, "dane_ok", "pass"),
        (f"{MAIL}\n_443._tcp.mail TLSA 3 1 1 {SUM}", True, "dane_absent", "info"),
        (f"@ A 192.0.2.1\n_25._tcp TLSA 3 1 1 {SUM}", True, "dane_ok", "pass"),
        (f"{TWO}\n_25._tcp.one TLSA 3 1 1 {SUM}", True, "dane_ok", "pass"),
        (f"{TWO}\n_25._tcp.one TLSA 3 1 1 {SUM}", False, "dane_without_dnssec", "warn"),
        (
            f"{TWO}\n_25._tcp.one TLSA 3 1 1 {SUM}\n_25._tcp.two ! SERVFAIL",
            True,
            "dns_servfail",
            "unknown",
        ),
        (
            f"{MAIL}\n_25._tcp.mail CNAME tlsa\ntlsa TLSA 3 1 1 {SUM}",
            True,
            "dane_ok",
            "pass",
        ),
    ],
    ids=range(10),
)  # fmt: skip
def test_certificates_in_the_dns(checked, zone, signed, reason, status):
    check = checked({"shop.example": zone}, check_dane, SHOP, authenticated=signed)

    assert (check.reasons, check.status) == ((reason,), status)


def test_hosts_without_certificates_are_told(checked):
    zone = {"shop.example": f"{TWO}\n_25._tcp.one TLSA 3 1 1 {SUM}"}
    check = checked(zone, check_dane, SHOP, authenticated=True)

    assert check.facts["hosts"] == ["one.shop.example"]
    assert check.facts["without"] == ["two.shop.example"]
