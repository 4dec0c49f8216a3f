"""Find my settings: every door is tried, and the safest that answers is proposed."""

from __future__ import annotations

import asyncio
import time

import pytest

from portal.delivery.types import Security
from portal.net.open import OpenNet
from portal.net.records import NameServers
from portal.providers.catalogue import Catalogue
from portal.services.finding import Door, Findings, Safety, find, parse_asked

USERS = {"kim": "open sesame"}
CATALOGUE = Catalogue.load()


@pytest.fixture
def search(zones, authority):
    """`search("relay.test", doors=…)`: every name of the test is at 127.0.0.1."""

    def look(asked: str, *doors: Door, records: str = "", **more) -> Findings:
        server = zones(
            {
                "relay.test": "@ A 127.0.0.1\nsmtp A 127.0.0.1",
                "peer.example": records,
            }
        )
        more.setdefault("ca_pem", authority.pem)
        return asyncio.run(
            find(
                parse_asked(asked),
                OpenNet(server.address),
                dns=NameServers(server=server.address, rounds=1),
                https=None,
                catalogue=CATALOGUE,
                ehlo_name="portal.example.org",
                usual=doors,
                **{"within_s": 6, **more},
            )
        )

    return look


def doors_at(server) -> tuple[Door, Door]:
    return Door(server.port, Security.TLS), Door(server.port, Security.STARTTLS)


def test_the_safest_door_that_answers_is_proposed(search, sink, authority):
    """TLS from the start before STARTTLS, and that before what can be read."""
    good = authority.contexts["good"]
    implicit = sink(users=USERS, tls=good)
    explicit = sink(users=USERS, starttls=good)
    plain = sink()

    found = search(
        "relay.test", *doors_at(plain), *doors_at(explicit), *doors_at(implicit)
    )

    assert (found.proposal.port, found.proposal.security) == (implicit.port, "tls")
    safeties = {
        (way.port, way.security): way.safety
        for way in found.ways
        if way.answers and way.host == "relay.test"
    }
    assert safeties == {
        (implicit.port, "tls"): Safety.TRUSTED,
        (explicit.port, "starttls"): Safety.TRUSTED,
        (plain.port, "none"): Safety.READABLE,
    }
    assert implicit.log_ons == explicit.log_ons == []
    assert found.values["auth"] == "password"


def test_srv_records_name_host_and_port(search, sink, authority):
    """RFC 8314 §5.1; the address becomes user name and From."""
    relay = sink(users=USERS, tls=authority.contexts["good"])
    records = f"_submissions._tcp SRV 0 1 {relay.port} relay.test."

    found = search("kim@peer.example", records=records)

    assert found.proposal.source == "srv"
    assert found.values == {
        "provider": "generic_smtp",
        "host": "relay.test",
        "port": relay.port,
        "security": "tls",
        "auth": "password",
        "username": "kim@peer.example",
        "from_address": "kim@peer.example",
    }


def test_a_root_as_target_says_that_there_is_no_such_service(search):
    """RFC 2782."""
    found = search("kim@peer.example", records="_submission._tcp SRV 0 0 0 .")

    assert found.proposal is None
    assert {way.source for way in found.ways} <= {"name"}


def test_an_untrusted_certificate_is_proposed_last_and_said(search, sink, authority):
    relay = sink(users=USERS, starttls=authority.contexts["private"])

    found = search("relay.test", *doors_at(relay))

    assert found.proposal.safety is Safety.UNTRUSTED
    assert found.proposal.presented
    assert set(found.proposal.mechanisms) == {"LOGIN", "PLAIN"}
    assert relay.log_ons == []
    assert any("authority that we do not know" in note for note in found.notes)


def test_a_password_is_never_proposed_in_clear(search, play):
    relay = play("hides_starttls.txt")

    found = search("relay.test", Door(relay.port, Security.STARTTLS))

    assert found.proposal.security == "none"
    assert found.values["auth"] == "none"
    assert "username" not in found.values
    assert {line.split()[0] for line in relay.commands} <= {"EHLO", "QUIT"}


def test_a_relay_that_lets_nobody_sign_in_stands_behind_one_that_does(
    search, sink, play, authority
):
    """An MX answers too, but takes no mail for others."""
    dialog = """\
! tls good
S: 220 mx.test ESMTP
C: EHLO *
S: 250 mx.test
C: QUIT
S: 221 Bye
"""
    exchanger = play(dialog)
    relay = sink(users=USERS, starttls=authority.contexts["good"])

    found = search(
        "relay.test",
        Door(exchanger.port, Security.TLS),
        Door(relay.port, Security.STARTTLS),
    )

    assert found.proposal.port == relay.port


def test_it_ends_in_its_time(search, play):
    silent = play("says_nothing.txt")
    began = time.monotonic()

    found = search("relay.test", *doors_at(silent), within_s=1)

    assert time.monotonic() - began < 9
    assert found.proposal is None
    assert all(way.said for way in found.ways)


def test_a_host_that_is_not_there_is_asked_for_once(search):
    found = search("kim@peer.example", Door(1, Security.TLS), Door(2, Security.TLS))

    hosts = {way.host: way.said for way in found.ways}
    assert list(hosts) == ["smtp.peer.example", "mail.peer.example"]
    assert "has no address" in hosts["smtp.peer.example"]
    assert found.sentence.startswith("No relay answers for kim@peer.example.")


def test_a_certificate_for_another_name_is_no_answer(search, sink, authority):
    """Nor is any TLS server with one that nobody knows: a relay has said EHLO."""
    relay = sink(users=USERS, starttls=authority.contexts["wrong-name"])

    found = search("relay.test", *doors_at(relay))

    assert found.proposal is None
    assert any("CERTIFICATE_VERIFY_FAILED" in way.said for way in found.ways)


def test_nobody_waits_for_a_greeting_where_tls_answers(search, sink, authority):
    """Every relay on 465 would cost the whole patience otherwise."""
    relay = sink(users=USERS, tls=authority.contexts["good"])
    began = time.monotonic()

    found = search("relay.test", *doors_at(relay), within_s=20)

    assert time.monotonic() - began < 15
    said = {way.security: way.said for way in found.ways if way.host == "relay.test"}
    assert said["starttls"] == "It waits for TLS from the start."
