"""A report on what a hostile name server says: in time, within its questions, unknown."""

from __future__ import annotations

import asyncio
import itertools
import time

import dns.message
import pytest

from portal.deliverability.report import report
from portal.deliverability.types import Subject
from portal.net.records import NameServers
from portal.net.types import NetFailure, NetTrouble
from tests.net.rogue import Rogue, answer

NUMBERS = itertools.count()


async def nobody(url):
    return NetFailure(trouble=NetTrouble.REFUSED, words="refused")


def asked_for(query):
    return dns.message.from_wire(query).question[0].name.to_text()


def leading_further(query):
    alias = f"{asked_for(query)} CNAME x{next(NUMBERS)}.shop.example."
    return [answer(query, alias)]


SERVERS = {
    "silence": lambda query: [],
    "garbage": lambda query: [query[:2] + b"\x81\x80" + b"\xff" * 500],
    "a question cut off": lambda query: [answer(query)[:20]],
    "cut, and nothing over TCP": lambda query: [answer(query, cut=True)],
    "a code nobody knows": lambda query: [answer(query, rcode=14)],
    "not in charge": lambda query: [answer(query, rcode=9)],
    "aliases without end": leading_further,
}


def reported(rogue):
    servers = NameServers(rogue.address, timeout_s=0.3, rounds=1)
    return asyncio.run(report(Subject(domain="shop.example"), servers, nobody))


@pytest.mark.parametrize("datagrams", SERVERS.values(), ids=SERVERS)
def test_nothing_is_missing_that_nobody_told_about(datagrams):
    began = time.monotonic()

    with Rogue(datagrams) as rogue:
        found = reported(rogue)

    assert found.status == "warn"
    told = {check.check: check for check in found.checks}
    told.pop("dkim")  # its selector is not known, whatever anybody says
    assert {check.status for check in told.values()} == {"unknown"}
    assert {check.reasons[0] for check in told.values()} <= {
        "dns_timeout",
        "dns_servfail",
    }
    assert not any(check.fixes for check in found.checks)
    assert len(rogue.heard) <= 60
    assert time.monotonic() - began < 8


def test_every_name_has_everything():
    """Three policies, two hundred mail hosts, wherever one looks."""

    def everything(query):
        name = asked_for(query)
        texts = [f'{name} TXT "v=spf1 include:a{n}.shop.example"' for n in range(3)]
        hosts = [f"{name} MX {n} m{n}.shop.example." for n in range(200)]
        return [answer(query, *texts, *hosts)]

    with Rogue(everything) as rogue:
        servers = NameServers(rogue.address)
        subject = Subject(domain="shop.example")
        found = asyncio.run(report(subject, servers, nobody))

    told = {check.check: check.reasons[0] for check in found.checks}
    assert told["spf"] == "spf_multiple_records"
    assert len(rogue.heard) <= 60
