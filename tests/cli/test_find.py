"""`portal find`: the relay of an address, from the terminal."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from portal.cli import main
from tests.net.zones import Zones


@pytest.fixture
def portal_find(files, monkeypatch, zones, place):
    """Runs `portal find` where every name is at an address of its own."""
    server: Zones = zones({"relay.test": f"@ A {place}", "peer.example": ""})
    monkeypatch.chdir(files)
    monkeypatch.setenv("PORTAL_DNS", "{}:{}".format(*server.address))

    def run(*words: str):
        options = ["--ca-file", "ca.pem", "--timeout", "5"]
        return CliRunner().invoke(main, ["find", *words, *options])

    return run


def test_a_relay_at_a_usual_port_is_found(
    portal_find,
    sink,
    authority,
    place,
):
    relay = sink(
        users={"kim": "x"}, starttls=authority.contexts["good"], host=place, port=2525
    )

    done = portal_find("relay.test", "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found) == [
        "asked",
        "provider",
        "sentence",
        "notes",
        "proposal",
        "values",
        "ways",
    ]
    assert found["values"]["port"] == 2525
    assert found["proposal"]["safety"] == "trusted"
    tried = {(way["port"], way["security"]) for way in found["ways"]}
    assert len(tried) == 10
    assert relay.log_ons == []


def test_it_is_told_in_words(
    portal_find,
    sink,
    authority,
    place,
):
    sink(starttls=authority.contexts["good"], host=place, port=2525)

    done = portal_find("relay.test")

    assert "relay.test:2525 starttls" in done.stdout
    assert "relay.test answers on 2525 with STARTTLS." in " ".join(done.stdout.split())
    assert "security = starttls" in done.stdout


def test_nothing_found_is_1(portal_find):
    done = portal_find("kim@peer.example", "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["proposal"] is None


def test_what_is_no_address_is_2(portal_find):
    assert portal_find("no host").exit_code == 2
