"""Name servers: how they are asked, in which order, and what is one that is not there."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path

import dns.flags
import dns.message
import pytest

from portal.net.records import Answered, NameServers
from tests.net.rogue import Rogue, answer

SPF = 'shop.example. TXT "v=spf1 -all"'


def asked(rogue, *, rounds=1, **more):
    servers = NameServers(rogue.address, timeout_s=3, rounds=rounds, **more)
    return asyncio.run(servers.ask("shop.example", "TXT"))


def test_a_question_as_it_is_sent():
    with Rogue(lambda query: [answer(query, SPF)]) as rogue:
        asked(rogue)
        asked(rogue, unchecked=True)

    plain, unchecked = map(dns.message.from_wire, rogue.heard)
    assert plain.question[0].to_text() == "shop.example. IN TXT"
    assert (plain.edns, plain.payload) == (0, 1232)
    assert plain.flags == dns.flags.RD | dns.flags.AD
    assert unchecked.flags == dns.flags.RD | dns.flags.AD | dns.flags.CD


def test_nobody_can_guess_the_next_question():
    with Rogue(lambda query: [answer(query, SPF)]) as rogue:
        for _ in range(20):
            asked(rogue)

    assert len({query[:2] for query in rogue.heard}) > 15
    assert len({port for _, port in rogue.callers}) > 15


@pytest.mark.parametrize(("rcode", "times"), [(5, 1), (2, 2), (0, 1)])
def test_a_refusal_is_taken_at_its_word(rcode, times):
    with Rogue(lambda query: [answer(query, rcode=rcode)]) as rogue:
        asked(rogue, rounds=2)

    assert len(rogue.heard) == times


@pytest.mark.skipif(not socket.has_ipv6, reason="a machine without IPv6")
def test_a_server_over_ipv6():
    with Rogue(lambda query: [answer(query, SPF)], host="::1") as rogue:
        assert asked(rogue).answered is Answered.OK


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("::1", 1), ("no address", 53)])
def test_a_server_that_is_not_there_does_not_answer(address):
    servers = NameServers(address, timeout_s=0.3)
    found = asyncio.run(servers.ask("shop.example", "TXT"))

    assert found.answered is Answered.TIMEOUT


@pytest.fixture
def of_the_system(tmp_path):
    """`of_the_system(datagrams)`: a server at port 53, and a resolv.conf that names
    one before it, which never answers; for those who may use that port."""
    running = []

    def start(datagrams):
        one, other = (
            f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{last}"
            for last in (1, 2)
        )
        try:
            for host, made in ((one, lambda query: []), (other, datagrams)):
                running.append(Rogue(made, host=host, port=53).__enter__())
        except OSError:
            pytest.skip("port 53 is not for everybody")
        path = tmp_path / "resolv.conf"
        lines = ["search evil.example", f"nameserver {one}", f"nameserver {other}"]
        path.write_text("\n".join([*lines, "options ndots:5"]))
        return str(path), running

    yield start
    for rogue in running:
        rogue.__exit__()


def test_of_several_servers_the_dead_one_costs_once(of_the_system):
    path, (dead, alive) = of_the_system(lambda query: [answer(query, SPF)])
    servers = NameServers(timeout_s=0.2, resolv_conf=path)

    async def one_after_the_other():
        return [await servers.ask("shop.example", "TXT") for _ in range(5)]

    found = asyncio.run(one_after_the_other())

    assert {each.answered for each in found} == {Answered.OK}
    assert (len(dead.heard), len(alive.heard)) == (1, 5)


def test_search_lists_are_for_others(of_the_system):
    path, (_, alive) = of_the_system(lambda query: [answer(query, rcode=3)])
    servers = NameServers(timeout_s=0.1, resolv_conf=path)

    found = asyncio.run(servers.ask("shop", "TXT"))

    assert found.answered is Answered.NXDOMAIN
    names = {dns.message.from_wire(q).question[0].name.to_text() for q in alive.heard}
    assert names == {"shop."}


def test_without_a_resolv_conf_it_is_this_machine(tmp_path):
    servers = NameServers(timeout_s=0.1, resolv_conf=str(tmp_path / "none"))

    assert asyncio.run(servers.ask("shop.example", "TXT")).answered is not Answered.OK


def test_of_resolv_conf_only_addresses_count(of_the_system):
    """What is no address, misspelt or a comment asks nobody, and stops nobody."""
    path, (_, alive) = of_the_system(lambda query: [answer(query, SPF)])
    odd = "nameserver\nnameserver dns.example\n# nameserver 192.0.2.1\nnameservers x\n"
    Path(path).write_text(odd + Path(path).read_text())
    servers = NameServers(timeout_s=0.2, resolv_conf=path)

    found = asyncio.run(servers.ask("shop.example", "TXT"))

    assert found.answered is Answered.OK
    assert len(alive.heard) == 1
