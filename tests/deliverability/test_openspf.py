"""The suite of openspf.org for RFC 7208 (release 2014.04), all of its 203 cases.

`tests/data/rfc7208-tests.yml` is theirs, unmodified, under the licence beside it.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from pathlib import Path

import dns.name
import pytest
import yaml

from portal.deliverability.spf.check_host import check_host
from portal.deliverability.spf.macros import Asked
from portal.net.records import NameServers
from tests.net.zones import Zones

SUITE = Path(__file__).parents[1] / "data" / "rfc7208-tests.yml"
SCENARIOS = list(yaml.safe_load_all(SUITE.read_text("utf-8")))
CASES = [
    pytest.param(number, name, id=f"{scenario['description']}-{name}")
    for number, scenario in enumerate(SCENARIOS)
    for name in scenario["tests"]
]


def published(zones, zonedata):
    """What the suite's notes say: an SPF record stands for a TXT one too, unless the
    name has TXT of its own; TIMEOUT is silence where nothing else is there."""
    for text, entries in zonedata.items():
        name = dns.name.from_text(text)
        found = [each for each in entries if isinstance(each, dict)]
        pairs = [pair for each in found for pair in each.items()]
        own = any(kind == "TXT" for kind, _ in pairs)
        for kind, value in pairs:
            if kind == "SPF" and not own:
                kind = "TXT"
            if kind != "SPF" and value != "NONE":
                zones.records[name].append((kind, _presented(kind, value)))
        if "TIMEOUT" in entries and name not in zones.records:
            zones.fates[name] = "SILENT"


def _presented(kind, value):
    if kind == "MX":
        return f"{value[0]} {value[1] or ''}."
    if kind == "TXT":
        parts = [value] if isinstance(value, str) else value or [""]
        return " ".join(f'"{_escaped(part)}"' for part in parts)
    return value if kind in ("A", "AAAA") else f"{value}."


def _escaped(text):
    pieces = [text.encode("utf-8")[at : at + 255] for at in range(0, len(text), 255)]
    return '" "'.join(
        "".join(f"\\{octet:03d}" for octet in piece) for piece in pieces or [b""]
    )


@pytest.fixture(scope="module")
def served():
    running = {}
    yield running
    for zones in running.values():
        zones.__exit__()


def server_of(served, number):
    if number not in served:
        served[number] = Zones({".": ""}).__enter__()
        published(served[number], SCENARIOS[number]["zonedata"])
    return served[number]


@pytest.mark.parametrize(("number", "name"), CASES)
def test_as_the_suite_has_it(served, number, name):
    case = SCENARIOS[number]["tests"][name]
    zones = server_of(served, number)
    sender = case["mailfrom"] or f"postmaster@{case['helo']}"
    if "@" not in sender or sender.startswith("@"):
        sender = f"postmaster@{sender.rpartition('@')[2]}"
    asked = Asked(ip=ip_address(case["host"]), sender=sender, helo=case["helo"])
    servers = NameServers(zones.address, timeout_s=0.3, rounds=1)

    verdict = asyncio.run(check_host(servers, asked, sender.rpartition("@")[2]))

    expected = case["result"]
    assert verdict.result in ([expected] if isinstance(expected, str) else expected)
    if "explanation" in case and case["explanation"] != "DEFAULT":
        assert verdict.explanation == case["explanation"]
    elif "explanation" in case:
        assert verdict.explanation is None
