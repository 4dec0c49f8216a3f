"""Both resolvers, and what their troubles become."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

from portal.net.lookup import Resolver
from portal.net.open import LoopbackNet, OpenNet
from portal.net.types import Found, NetTrouble
from tests.net.nameserver import NameServer


def look_up(host: str, dns: tuple[str, int] | None = None, timeout_s: float = 5):
    return asyncio.run(Resolver(dns).addresses(host, timeout_s=timeout_s))


def test_system_resolver_reads_the_hosts_file():
    assert ip_address("127.0.0.1") in look_up("localhost")


def test_literal_needs_no_resolver():
    """An address is its own answer, IPv4 in IPv6 clothes undressed."""
    nowhere = ("127.0.0.1", 9)

    assert look_up("8.8.8.8", nowhere) == (ip_address("8.8.8.8"),)
    assert look_up("::ffff:8.8.8.8", nowhere) == (ip_address("8.8.8.8"),)


def test_both_families_are_found():
    with NameServer({"both.test": ["2600:1f18::1", "8.8.8.8"]}) as server:
        found = look_up("both.test", server.address)

    assert found == (ip_address("8.8.8.8"), ip_address("2600:1f18::1"))


def test_name_that_does_not_exist():
    with NameServer({}) as server:
        answer = look_up("nowhere.test", server.address)

    assert answer.trouble is NetTrouble.NO_SUCH_HOST
    assert answer.exception == "socket.gaierror"
    assert "Name or service not known" in answer.words


def test_name_without_addresses():
    """A name that exists without A and AAAA is no host either."""
    with NameServer({"empty.test": []}) as server:
        answer = look_up("empty.test", server.address)

    assert answer.trouble is NetTrouble.NO_SUCH_HOST


def test_resolver_that_fails_is_not_a_missing_name():
    with NameServer({"broken.test": "SERVFAIL"}) as server:
        answer = look_up("broken.test", server.address)

    assert answer.trouble is NetTrouble.RESOLVER_FAILED
    assert "Temporary failure" in answer.words


def test_silent_resolver_ends_at_the_limit():
    with NameServer({"silent.test": None}) as server:
        answer = look_up("silent.test", server.address, timeout_s=0.2)

    assert answer.trouble is NetTrouble.TIMED_OUT


def test_a_resolver_that_is_restarted_is_waited_for():
    """Nobody is at its port for a moment: the look-up goes on until somebody is."""
    names = {"late.test": ["8.8.8.8"]}
    with NameServer(names) as server:
        address = server.address

    async def meanwhile():
        asking = Resolver(address).addresses("late.test", timeout_s=9)
        task = asyncio.create_task(asking)
        for _ in range(50):  # of the loop: the first questions are refused in these
            await asyncio.sleep(0)
        with NameServer(names, port=address[1]):
            return await task

    assert asyncio.run(meanwhile()) == (ip_address("8.8.8.8"),)


def test_system_resolver_says_no_such_host():
    """`.invalid` never exists (RFC 6761 §6.4); without a network it cannot be asked."""
    answer = look_up("nowhere.invalid")

    assert answer.trouble in (NetTrouble.NO_SUCH_HOST, NetTrouble.RESOLVER_FAILED)


def test_open_net_asks_for_whatever_is_named():
    with NameServer({"inner.test": ["10.0.0.5"]}) as server:
        answer = asyncio.run(
            OpenNet(server.address).find("Inner.test.", 22, timeout_s=5)
        )

    assert answer == Found(host="inner.test", addresses=(ip_address("10.0.0.5"),))


def test_open_net_refuses_what_is_no_name():
    answer = asyncio.run(OpenNet().find("smtp example", 25, timeout_s=5))

    assert answer.trouble is NetTrouble.NO_SUCH_HOST


def test_loopback_net_knows_one_port():
    net = LoopbackNet(2525)

    found = asyncio.run(net.find("sandbox", 2525, timeout_s=5))
    other = asyncio.run(net.find("sandbox", 25, timeout_s=5))

    assert found.addresses == (ip_address("127.0.0.1"),)
    assert other.trouble is NetTrouble.FORBIDDEN
