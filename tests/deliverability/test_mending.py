"""Records in the wrong clothes: what somebody meant, and that publishing it mends."""

from __future__ import annotations

import asyncio

import pytest

from portal.deliverability.asking import Asking
from portal.deliverability.dkim.judging import check_dkim
from portal.deliverability.dkim.mending import mended
from portal.deliverability.dmarc.judging import check_dmarc
from portal.deliverability.dmarc.mending import restored, written
from portal.deliverability.spf.judging import check_spf
from portal.deliverability.types import Subject
from portal.net.records import NameServers
from tests.deliverability.keys import KEY, OTHER, WEAK
from tests.deliverability.scenario import ALL
from tests.deliverability.shop import DKIM_OK, SPF_OK
from tests.net.zones import Zones

EDWARDS = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # of RFC 8463 §A.2
MEANT = f"v=DKIM1; k=rsa; p={KEY}"
BOTH = "v=DMARC1; p=reject; rua=mailto:d@shop.example"
# A person's choice, or the key's; alignment needs another provider's record.
OPEN = {
    *("dkim_ok", "dkim_key_weak", "dmarc_ok", "dmarc_inherited", "dmarc_not_aligned"),
    *("dmarc_policy_none", "dmarc_subdomain_policy_none", "dmarc_test_mode"),
    *("dmarc_pct_partial", "dns_timeout", "dns_servfail", "dns_refused"),
}


@pytest.mark.parametrize(
    "text",
    [
        f'"{MEANT}"',
        f"“{MEANT}”",
        f'"v=DKIM1; k=rsa; " "p={KEY[:99]}" "{KEY[99:]}"',
        f"v=DKIM1\\; k=rsa\\; p={KEY}",
        f"V=DKIM1; K=RSA; P={KEY}",
        f"v=DKIM2; p={KEY}",
        f"k=rsa; p={KEY}; v=DKIM1;",
        f"v=DKIM1, k=rsa, p={KEY}",
        f"v=DKIM1 k=rsa p={KEY}",
        f"v=DKIM1; k=rsap={KEY}",
        f"mail._domainkey IN TXT v=DKIM1; k=rsa; p={KEY}",
        f"v=DKIM1; p=-----BEGIN PUBLIC KEY----- {KEY} -----END PUBLIC KEY-----",
        f"v=DKIM1; k=ed25519; p={KEY}",
        f"v=DKIM1; h=sha1; s=tlsrpt; t=y; p={KEY}",
        f"v=DKIM1; p={KEY[:50]}\u00a0\u200b{KEY[50:]}",
        KEY,
    ],
)
def test_a_key_in_the_wrong_clothes(text):
    assert mended((text, "google-site-verification=abc")) == MEANT


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (f"v=DKIM1; t=y:s; p={WEAK}", f"v=DKIM1; k=rsa; t=s; p={WEAK}"),
        (f"k=ed25519; p='{EDWARDS}'", None),
        (f"v=DKIM1; k=rsa; p={EDWARDS}", f"v=DKIM1; k=ed25519; p={EDWARDS}"),
        (f"v=DKIM1; n=as it is; p={KEY}", f"v=DKIM1; n=as it is; p={KEY}"),
        (f"v=DKIM1; k=rsa; p={KEY[:255]}", None),
        (f"v=DKIM1; p={KEY}; p={OTHER}", None),
        ("v=DKIM1; k=rsa; p=", None),
        ("v=spf1 -all", None),
    ],
)
def test_what_can_be_told_of_a_key(text, meant):
    assert mended((text,)) == meant


def test_a_key_in_two_records():
    halves = (KEY[200:], "some-verification=1", MEANT[: -len(KEY) + 200])

    assert mended(halves) == MEANT
    assert mended((halves[0], MEANT[:-9])) is None


def test_of_two_keys_nobody_can_tell():
    assert mended((MEANT, f"p={OTHER}")) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("v=dmarc1; p=reject; rua=mailto:d@shop.example", BOTH),
        (f'"{BOTH}"', BOTH),
        (BOTH.replace(";", "\\;"), BOTH),
        ("p=reject; rua=mailto:d@shop.example; v=DMARC1", BOTH),
        ("DMARC1; p=reject; rua=mailto:d@shop.example", BOTH),
        ("v=DMARC2, p=reject, rua=mailto:d@shop.example", BOTH),
        ("v=DMARC1 p=reject rua=d@shop.example", BOTH),
        ("v=DMARC1; p=rejectrua=mailto:d@shop.example", BOTH),
        ("v=DMARC1; P=Reject; junk; adkim=x; rua=mailto://d@shop.example", BOTH),
        (
            "rua=mailto:dmarc1@shop.example; p=none; v=dmarc1",
            "v=DMARC1; p=none; rua=mailto:dmarc1@shop.example",
        ),
        (
            "v=DMARC1; sp=none; rua=https://x.example/,mailto:a@x.example!1m",
            "v=DMARC1; p=none; sp=none; rua=mailto:a@x.example!1m",
        ),
        (
            "see https://dmarc.example for p",
            "v=DMARC1; p=none; rua=mailto:dmarc@shop.example",
        ),
    ],
)
def test_a_policy_in_the_wrong_clothes(text, meant):
    assert written(restored(text), "shop.example") == meant


async def asked(subject, address):
    servers = NameServers(address, timeout_s=0.4, rounds=1)
    async with Asking(servers, patience_s=3) as asking:
        spf, dkim = await asyncio.gather(
            check_spf(asking, subject), check_dkim(asking, subject)
        )
        return dkim, await check_dmarc(asking, subject, spf, dkim)


def published(zones, fix):
    """The zones with this record alone at its name."""
    apex = max((z for z in zones if f".{fix.name}".endswith(f".{z}")), key=len)
    owners = {fix.name.removesuffix(f".{apex}"), f"{fix.name}."}
    kept = [line for line in zones[apex].splitlines() if line.split(None, 1)[:1] != []]
    kept = [line for line in kept if line.split(None, 1)[0] not in owners]
    value = " ".join(
        f'"{fix.value[at : at + 250]}"' for at in range(0, len(fix.value), 250)
    )
    value = value if fix.type == "TXT" else f"{fix.value}."
    return zones | {apex: "\n".join([*kept, f"{fix.name}. {fix.type} {value}"])}


@pytest.mark.parametrize(
    "scenario",
    [
        each
        for each in ALL
        if each.domain.endswith("shop.example")
        and ("dkim_" in str(each.expect) or "dmarc_" in str(each.expect))
        and each.status != "pass"
    ],
    ids=lambda each: each.name,
)
def test_publishing_what_is_proposed_mends(scenario):
    zones = scenario.served
    with Zones(zones) as served:
        before = asyncio.run(asked(scenario.subject, served.address))
    for check in before:
        fixes = check.fixes if check else ()
        assert len({fix.name for fix in fixes}) == len(fixes), "one record a name"
        for fix in fixes:
            if "{" not in fix.value:  # the rest is in the provider's console
                zones = published(zones, fix)

    with Zones(zones) as served:
        after = asyncio.run(asked(scenario.subject, served.address))

    for was, now in zip(before, after, strict=True):
        if was and was.fixes and not any("{" in fix.value for fix in was.fixes):
            assert set(now.reasons) <= OPEN


@pytest.mark.parametrize(
    "lines",
    [
        ['TXT "v=DMARC1; p=reject; sp=nothing; rua=mailto:d@shop.example"'],
        ['TXT "v=dmarc1; p=reject"'],
        ['TXT "v=DMARC1; p=reject"', 'TXT "v=DMARC1; p=none"'],
    ],
)
def test_a_policy_behind_an_alias_may_be_mended_there(checked, lines):
    """Beside a CNAME no other record may stand (RFC 1034 §3.6.2)."""
    zones = {
        "shop.example": "_dmarc CNAME policy.vendor.example.",
        "vendor.example": "\n".join(f"policy {each}" for each in lines),
    }

    check = checked(zones, check_dmarc, Subject(domain="shop.example"), SPF_OK, DKIM_OK)

    assert check.fixes[0].name == "_dmarc.shop.example"
    assert "leads to policy.vendor.example: mend it there" in check.fixes[0].note
