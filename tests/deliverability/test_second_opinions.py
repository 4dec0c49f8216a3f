"""What other implementations say of the same records; where we differ, why.

pyspf, checkdmarc and dkimpy are judges here and never engines: the first two are
synchronous and know no server but the system's, the third knows no policy.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import checkdmarc.dmarc
import dkim as dkimpy
import pytest
import spf as pyspf
from checkdmarc.dmarc import DMARCError

from portal.deliverability import domains
from portal.deliverability.dkim.key import read as read_key
from portal.deliverability.dmarc.record import is_dmarc
from portal.deliverability.dmarc.record import read as read_policy
from portal.deliverability.spf.check_host import check_host
from portal.deliverability.spf.macros import Asked
from portal.net.records import NameServers
from tests.deliverability.keys import KEY, WEAK
from tests.deliverability.scenario import ALL
from tests.net.zones import Zones

# RFC 7208 §5.5: when the name of the address cannot be asked for, `ptr` does not match;
# pyspf gives up instead.
PTR = {"gandi's own ?all copied, with ptr and a redirect beside it", "relay by ptr"}
ADDRESSES = ("198.51.100.7", "192.0.2.9", "203.0.113.5", "2001:db8::9")


def looked_up(servers, name, kind):
    """In the form of pyspf: pairs of what was asked and what came."""
    answer = asyncio.run(servers.ask(name, kind))
    if not answer.answered.is_known:
        raise pyspf.TempError(f"DNS {answer.answered}")
    for alias in answer.aliases[-1:]:
        yield (name, "CNAME"), alias
        name = alias
    for text in answer.records:
        value = text
        if kind == "MX":
            preference, _, host = text.rpartition(" ")
            value = (int(preference), host)
        elif kind in ("TXT", "SPF"):
            value = (text.encode(),)
        yield (name, kind), value


HOSTS = [
    pytest.param(scenario, host, id=scenario.name)
    for scenario in ALL
    if (host := domains.envelope(scenario.subject)) and "{" not in host
]


@pytest.mark.parametrize(("scenario", "host"), HOSTS)
def test_pyspf_comes_to_the_same_result(monkeypatch, scenario, host):
    sender = f"postmaster@{host}"
    with Zones(scenario.served) as served:
        servers = NameServers(served.address, timeout_s=0.8, rounds=1)
        monkeypatch.setattr(
            pyspf,
            "DNSLookup",
            lambda name, kind, *_: list(looked_up(servers, name, kind)),
        )
        for address in ADDRESSES[: 4 if "relay" in scenario.name else 2]:
            asked = Asked(ip=ip_address(address), sender=sender, helo=host)
            ours = asyncio.run(check_host(servers, asked, host))
            theirs = pyspf.query(address, sender, host, strict=True).check()[0]
            if scenario.name not in PTR or theirs != "temperror":
                assert ours.result == theirs, (address, ours)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (f"v=DKIM1; k=rsa; p={KEY}", True),
        (f"p={KEY}", True),
        (f"v=DKIM1; p={WEAK}", True),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", True),
        (f"v=DKIM2; p={KEY}", False),
        ("v=DKIM1; k=rsa", False),
        ("v=DKIM1; k=rsa; p=", False),
        ("v=DKIM1; k=dsa; p=AAAA", False),
        ("v=DKIM1; k=rsa; p=AAAA", False),
        (f"v=DKIM1; k=rsa; p={KEY[:255]}", False),
        (f"v=DKIM1; p={KEY}; p={KEY}", False),
        (f"v=DKIM1; k=rsa; t=y:s; h=sha1:sha256; p={KEY[:99]} {KEY[99:]} ;", True),
        (f"v=DKIM1; k=ed25519; p={KEY}", False),
        (f"V=DKIM1; K=rsa; P={KEY}", False),
        (f"v=DKIM1 k=rsa p={KEY}", False),
    ],
)
def test_dkimpy_reads_the_same_keys(text, ours):
    try:
        dkimpy.evaluate_pk(b"s1", text)
    except (dkimpy.DKIMException, ValueError):
        theirs = False
    else:
        theirs = True

    assert read_key(text).is_usable is ours
    assert theirs is ours


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"k=rsa; v=DKIM1; p={KEY}", "RFC 6376 §3.6.1: v comes first"),
        (f"v=DKIM1; h=sha1; p={KEY}", "RFC 8301 §3.1: no sha1 any more"),
        (f"v=DKIM1; s=other; p={KEY}", "§3.6.1: it means to raise, and catches itself"),
    ],
)
def test_dkimpy_takes_keys_that_the_standard_does_not(text, why):
    dkimpy.evaluate_pk(b"s1", text)

    assert not read_key(text).is_usable, why


def their_policy(text):
    """p and sp by checkdmarc, or None where it takes no such record."""
    try:
        tags = checkdmarc.dmarc.parse_dmarc_record(text, "shop.example")["tags"]
    except DMARCError:
        return None
    return tags["p"]["value"], tags["sp"]["value"]


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("v=DMARC1; p=none", ("none", "none")),
        ("v=DMARC1; p=reject; sp=quarantine", ("reject", "quarantine")),
        ("v=DMARC1;p=quarantine;adkim=s;aspf=s;", ("quarantine", "quarantine")),
        ("v=DMARC1; p=Reject", ("reject", "reject")),
        ("v=DMARC1; p=reject; fo=1; np=none", ("reject", "reject")),
        ("v=DMARC1; p=reject; adkim=x", ("reject", "reject")),
        ("v=dmarc1; p=none", None),
        ("p=none; v=DMARC1", None),
        ("v=DMARC1 p=none", None),
        ("v = DMARC1 ; rua = mailto:a@shop.example ; p = reject", ("reject", "reject")),
    ],
)
def test_checkdmarc_reads_the_same_policies(text, ours):
    record = read_policy(text) if is_dmarc(text) else None

    assert (record and (record.policy, record.for_subdomains)) == ours
    assert their_policy(text) == ours


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("v=DMARC1; p=reject; sp=nothing", "none"),  # RFC 9989 §4.10.1
        ("v=DMARC1; p=reject; junk", "reject"),
        ("v=DMARC1; p=reject rua=mailto:a@shop.example", "none"),
        ("v=DMARC1; p=none; p=reject", "none"),
    ],
)
def test_checkdmarc_gives_up_where_receivers_fall_back(text, policy):
    """RFC 9989 §4.8: a broken tag takes its default, the others stay. It checks
    what somebody wrote, we say what a receiver makes of it, and warn."""
    record = read_policy(text)

    assert record.policy == policy
    assert record.broken or record.twice
    assert their_policy(text) is None


def test_checkdmarc_takes_a_blank_before_the_version():
    """RFC 9989 §4.7: the record begins with `v`; receivers that go by it see none."""
    assert their_policy(" v=DMARC1; p=none") == ("none", "none")
    assert not is_dmarc(" v=DMARC1; p=none")
