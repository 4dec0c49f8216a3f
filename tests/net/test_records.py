"""Records of a real name server, and everything else that it may do."""

from __future__ import annotations

import asyncio

import pytest

from portal.net.records import Answered, NameServers
from tests.net.zones import NEGATIVE_TTL_S, TTL_S, Zones

LONG = "x" * 200
ZONES = {
    "shop.example": f"""
        @        MX    10 mx
        @        MX    20 Mail.Other.Example.
        @        TXT   "v=spf1 include:_spf.other.example" " ~all"
        @        TXT   "gr\\195\\188n"
        www      CNAME there.other.example.
        away     CNAME nowhere.foreign.example.
        dangling CNAME gone
        round    CNAME trip
        trip     CNAME round
        *.box    TXT   "any"
        deep.er  A     192.0.2.7
        _smtp._tcp SRV 5 0 587 Mail
        null     MX    0 .
        big      TXT   "{LONG}" "{LONG}" "{LONG}" "{LONG}" "{LONG}" "{LONG}" "{LONG}"
        bad      !     SERVFAIL
        closed   !     REFUSED
        mute     !     SILENT
        cut      !     CUT
        cut      TXT   "whole"
    """,
    "other.example": """
        there A 192.0.2.1
        there AAAA 2001:db8::1
    """,
}


@pytest.fixture(scope="module")
def served():
    with Zones(ZONES) as zones:
        yield zones


def ask(zones, name, kind, **more):
    servers = NameServers(zones.address, **more)
    return asyncio.run(servers.ask(name, kind))


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("shop.example", "MX", {"10 mx.shop.example", "20 mail.other.example"}),
        ("shop.example.", "TXT", {"v=spf1 include:_spf.other.example ~all", "grün"}),
        ("www.shop.example", "A", {"192.0.2.1"}),
        ("www.shop.example", "AAAA", {"2001:db8::1"}),
        ("WWW.shop.EXAMPLE", "CNAME", {"there.other.example"}),
        ("a.b.box.shop.example", "TXT", {"any"}),
        ("_smtp._tcp.shop.example", "SRV", {"5 0 587 mail.shop.example"}),
        ("null.shop.example", "MX", {"0 ."}),
        ("big.shop.example", "TXT", {LONG * 7}),
        ("cut.shop.example", "TXT", {"whole"}),
    ],
)
def test_records_come_in_their_text_form(served, name, kind, records):
    answer = ask(served, name, kind)

    assert answer.answered is Answered.OK
    assert set(answer.records) == records
    assert answer.ttl_s == TTL_S


@pytest.mark.parametrize(
    ("name", "answered", "aliases"),
    [
        ("deep.er.shop.example", Answered.NODATA, ()),
        ("er.shop.example", Answered.NODATA, ()),
        ("gone.shop.example", Answered.NXDOMAIN, ()),
        ("below.gone.shop.example", Answered.NXDOMAIN, ()),
        ("dangling.shop.example", Answered.NXDOMAIN, ("gone.shop.example",)),
        ("bad.shop.example", Answered.SERVFAIL, ()),
        ("closed.shop.example", Answered.REFUSED, ()),
        ("mute.shop.example", Answered.TIMEOUT, ()),
        ("away.shop.example", Answered.REFUSED, ("nowhere.foreign.example",)),
        ("a..b", Answered.NXDOMAIN, ()),
        ("x" * 64 + ".example", Answered.NXDOMAIN, ()),
    ],
)
def test_what_is_not_there_is_told_from_what_is_not_known(
    served, name, answered, aliases
):
    answer = ask(served, name, "TXT", timeout_s=0.2)

    assert (answer.answered, answer.aliases) == (answered, aliases)
    assert not answer.records
    assert answer.answered.is_known == (
        answered in (Answered.NODATA, Answered.NXDOMAIN, Answered.OK)
    )


def test_a_negative_answer_lasts_as_the_zone_says(served):
    assert ask(served, "gone.shop.example", "TXT").ttl_s == min(TTL_S, NEGATIVE_TTL_S)


def test_aliases_that_go_round_come_to_an_end(served):
    answer = ask(served, "round.shop.example", "TXT", timeout_s=0.5)

    assert not answer.records
    assert answer.answered in (Answered.NODATA, Answered.SERVFAIL)


def test_silence_is_asked_once_more(served):
    before = served.asked["mute.shop.example MX"]
    ask(served, "mute.shop.example", "MX", timeout_s=0.1)

    assert served.asked["mute.shop.example MX"] == before + 2


def test_the_word_of_the_resolver_is_handed_on():
    with Zones(ZONES, authenticated=True) as zones:
        assert ask(zones, "shop.example", "MX").authenticated


def test_nobody_there_is_no_answer():
    with Zones(ZONES) as zones:
        address = zones.address
    answer = asyncio.run(NameServers(address, timeout_s=0.2).ask("shop.example", "MX"))

    assert answer.answered in (Answered.SERVFAIL, Answered.TIMEOUT)
