"""What each provider of the catalogue asks of a domain that has nothing yet, and that
publishing exactly this mends it."""

from __future__ import annotations

import asyncio
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from portal.deliverability.asking import Asking
from portal.deliverability.dkim.judging import check_dkim
from portal.deliverability.report import report
from portal.deliverability.spf.judging import check_spf
from portal.deliverability.types import Subject
from portal.net.records import NameServers
from portal.services import expecting
from tests.deliverability.keys import KEY
from tests.deliverability.scenario import CATALOGUE
from tests.deliverability.test_scenarios import differences, nobody
from tests.net.zones import Zones

ASKED = tomllib.loads((Path(__file__).parent / "providers.toml").read_text())
BARE = ["@ A 192.0.2.1", "@ MX 10 mail", "mail A 192.0.2.2", "news MX 10 mail"]
FIRST_POLICY = "TXT _dmarc v=DMARC1; p=none; rua=mailto:dmarc@shop.example"
CANNOT_ALIGN = {"outlook_com", "yahoo", "gmx"}
ZONE = "\n".join(BARE)
TOLD = {"key": KEY, "address of the relay": "192.0.2.9", "region": "eu-west-1"}
everyone = pytest.mark.parametrize("provider", ASKED)


def about(provider, domain="shop.example", **given):
    known = CATALOGUE.get(provider)
    return Subject(
        domain=domain,
        expectation=expecting.expectation(known, domain),
        somebody_elses=expecting.is_somebody_elses(known, domain),
        **given,
    )


@pytest.fixture(scope="module")
def server():
    with Zones({}) as served:
        yield served


@pytest.fixture
def reported(server):
    """`reported(subject, zones)`: each check by its name."""

    def run(subject, zones):
        server.publish(zones)
        servers = NameServers(server.address)
        found = asyncio.run(report(subject, servers, nobody))
        return {check.check.value: check for check in found.checks}

    return run


@pytest.fixture
def checked(server):
    """`checked(check, subject, zones)`: this one alone."""

    async def asked(check, subject):
        async with Asking(NameServers(server.address)) as asking:
            return await check(asking, subject)

    def run(check, subject, zones):
        server.publish(zones)
        return asyncio.run(asked(check, subject))

    return run


def fixes_of(checks, *names):
    return [fix for name in names if name in checks for fix in checks[name].fixes]


def records(checks, *names):
    return [f"{fix.type} {fix.host} {fix.value}" for fix in fixes_of(checks, *names)]


def test_every_provider_is_looked_at():
    assert set(ASKED) == {each.id for each in CATALOGUE.all()} - {"sandbox"}


@everyone
def test_a_bare_domain_is_told_exactly_what_the_console_asks_for(reported, provider):
    asked = ASKED[provider]

    found = reported(about(provider), {"shop.example": ZONE})

    for name in ("spf", "dkim"):
        assert not differences(found.get(name), asked[name]), found.get(name)
    assert sorted(records(found, "spf", "dkim")) == sorted(asked["publish"])
    assert found["dmarc"].reasons[0] == "dmarc_missing"
    assert records(found, "dmarc") == [FIRST_POLICY]
    hopeless = "dmarc_not_aligned" in found["dmarc"].reasons
    assert hopeless == (provider in CANNOT_ALIGN)


@everyone
def test_a_sub_domain_has_its_records_below_it_and_in_its_zone(checked, provider):
    subject, zones = about(provider, "news.shop.example"), {"shop.example": ZONE}

    found = [checked(check, subject, zones) for check in (check_spf, check_dkim)]

    for fix in (fix for each in found if each for fix in each.fixes):
        assert fix.name.endswith("news.shop.example")
        assert fix.name == f"{fix.host}.shop.example"


@everyone
def test_publishing_what_is_proposed_mends_it(reported, provider):
    """Round by round, since a selector can be told only when the console shows it."""
    zone, targets = list(BARE), {}
    subject = about(provider)
    for _ in range(3):
        found = reported(subject, {"shop.example": "\n".join(zone), **targets})
        fixes = fixes_of(found, "spf", "dkim", "dmarc")
        if not fixes:
            break
        zone += [_published(fix, targets) for fix in fixes]
        subject = replace(
            subject,
            selectors=tuple(ASKED[provider].get("selectors", ())),
            return_path=_told(found["spf"].facts.get("host", "")),
        )
    names = [tuple(line.split()[:2]) for line in zone]

    assert len(names) == len(set(names))
    aliases = {name for name, kind in names if kind == "CNAME"}
    assert not aliases & {name for name, kind in names if kind != "CNAME"}
    assert found["spf"].status in ("pass", "info"), found["spf"]
    assert "dkim" not in found or found["dkim"].status == "pass", found["dkim"]
    policy = "dmarc_not_aligned" if provider in CANNOT_ALIGN else "dmarc_policy_none"
    assert found["dmarc"].reasons[0] == policy
    assert not fixes


ACCEPTED = [
    (each.id, term)
    for each in CATALOGUE.all()
    if each.spf
    for term in (
        *(*each.spf.includes, *each.spf.accept, *each.spf.regional.values()),
        *(term.replace("include:", "redirect=") for term in each.spf.includes),
    )
]


@pytest.mark.parametrize(("provider", "term"), ACCEPTED)
def test_every_right_way_lets_the_provider_send(checked, provider, term):
    """An include of its own or an older one, or all of its record; behind the end none
    of them is looked at."""
    term = _told(term)
    place = re.split("[:=]", term)[1:]
    targets = dict.fromkeys(place, '@ TXT "v=spf1 ip4:198.51.100.0/24 -all"')
    said = {}
    for record in (f"v=spf1 {term}", f"v=spf1 -all {term}"):
        zone = "\n".join([*BARE, f'own TXT "{record}"', f'@ TXT "{record}"'])
        zone += "\nown MX 10 feedback-smtp.eu-west-1.amazonses.com."
        subject = about(provider, return_path="own.shop.example")
        found = checked(check_spf, subject, {"shop.example": zone, **targets})
        said[record] = "spf_provider_not_authorised" in found.reasons

    assert list(said.values()) == [False, True]


def _published(fix, targets):
    """The line of the zone; what it leads to is there as well."""
    host, value = _told(fix.host), _told(fix.value)
    if fix.type == "TXT":
        for name in re.findall(r"include:(\S+)", value):
            targets[name] = '@ TXT "v=spf1 ip4:198.51.100.0/24 -all"'
        return f'{host} TXT "{value[:200]}" "{value[200:]}"'
    target = value.split()[-1]
    text = f"v=DKIM1; k=rsa; p={KEY}"
    if "_domainkey" not in host:
        text = "v=spf1 ip4:198.51.100.0/24 -all"
    targets[target] = f'@ TXT "{text[:200]}" "{text[200:]}"'
    return f"{host} {fix.type} {value}."


def _told(text):
    """As the console shows it."""
    return re.sub(r"\{([^}]*)\}", lambda gap: TOLD.get(gap[1], "7"), text) or None


@everyone
def test_free_mail_goes_through_those_who_run_it_alone(provider):
    """They want all other mail in their name refused."""
    known = CATALOGUE.get(provider)

    assert expecting.is_somebody_elses(known, "gmail.com") == (provider != "gmail")
    assert not expecting.is_somebody_elses(None, "gmail.com")
    assert not expecting.is_somebody_elses(known, "shop.example")


def test_a_selector_that_nobody_knows_is_told_by_its_form(reported):
    found = reported(about("amazon_ses"), {"shop.example": ZONE})

    asked = "CNAME {token}.dkim.amazonses.com at {token}._domainkey.shop.example"
    assert found["dkim"].expected == asked


def test_what_the_provider_says_of_a_return_path_stands_beside_its_first_record(
    reported,
):
    """Its name is never that of From, and takes no other mail."""
    found = reported(about("amazon_ses"), {"shop.example": ZONE})

    first, second = found["spf"].fixes
    assert "Exactly one MX" in first.note
    assert second.note is None


def test_nobody_is_asked_for_records_of_free_mail(reported):
    """Not even in words: what helps is another From."""
    mail = {"gmail.com": "@ MX 10 mx\nmx A 198.51.100.9"}

    found = reported(about("sendgrid", "gmail.com"), mail)

    told = {name: check.expected for name, check in found.items() if check.expected}
    assert told == {"dmarc": "A From address of a domain of your own"}
    assert not fixes_of(found, *found)
