"""The address guard, with real sockets and a real name server on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from portal.config import AllowRule, Settings
from portal.net.guard import SENTENCE, GuardedNet, Policy, policy_of
from portal.net.lookup import Resolver
from portal.net.types import Found, NetFailure, NetTrouble
from tests.net.nameserver import NameServer


@pytest.fixture
def canary():
    """A listener on loopback that nothing may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def guard(*allow: AllowRule, **values) -> GuardedNet:
    return GuardedNet(Policy(allow=allow, forbidden_s=0, **values))


def find(net: GuardedNet, host: str, port: int = 587):
    return asyncio.run(net.find(host, port, timeout_s=5))


def was_touched(server: socket.socket) -> bool:
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888", "[2600:1f18::1]"])
def test_address_on_the_open_internet_is_found(host):
    """A public address literal passes for the usual ports."""
    answer = find(guard(), host)

    assert isinstance(answer, Found)
    assert answer.addresses == (ip_address(host.strip("[]")),)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "localhoſt",
        "127.0.0.1\0.example.com",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%lo",
        "169.254.169.254",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "10.0.0.5",
    ],
)
def test_forbidden_target_gets_the_one_sentence(host):
    """No spelling of an inner address passes, and all are answered alike."""
    answer = find(guard(), host)

    assert isinstance(answer, NetFailure)
    assert answer.trouble is NetTrouble.FORBIDDEN
    assert answer.words == SENTENCE
    assert answer.exception is None


def test_refusal_takes_a_constant_time():
    """A literal that needs no look-up takes as long as any other refusal."""
    net = GuardedNet(Policy(forbidden_s=0.2))
    started = time.monotonic()

    find(net, "10.0.0.5")

    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("host", "port"),
    [("db.internal", 587), ("db", 587), ("gone.test", 22), ("silent.internal", 587)],
)
def test_what_is_forbidden_is_not_told_from_what_is_not_there(host, port):
    """A name of an inner network and a port that nobody permitted get the sentence
    in its constant time, whatever the DNS says or does not say."""
    names = {"silent.internal": None}
    with NameServer(names) as server:
        resolver = Resolver(server.address)
        started = time.monotonic()
        answer = find(
            GuardedNet(Policy(resolver=resolver, forbidden_s=0.3)), host, port
        )
        passed_s = time.monotonic() - started
        rule = AllowRule(host=host, port=port)
        permitted = asyncio.run(
            guard(rule, resolver=resolver).find(host, port, timeout_s=0.3)
        )

    assert (answer.trouble, answer.words) == (NetTrouble.FORBIDDEN, SENTENCE)
    assert 0.3 <= passed_s < 3
    # What the operator permits is diagnosed in full.
    assert permitted.trouble is not NetTrouble.FORBIDDEN


@pytest.mark.parametrize(
    ("host", "remedy"),
    [
        ("127.0.0.1", "PORTAL_RELAY_ALLOW=127.0.0.1:587"),
        ("::1", "PORTAL_RELAY_ALLOW=[::1]:587"),
        ("169.254.169.254", None),
        ("127.1", None),
    ],
)
def test_remedy_is_the_exact_setting(host, remedy):
    """An owner reads what allows the relay; for metadata there is no such thing."""
    assert find(guard(), host).remedy == remedy


def test_unlisted_port_is_forbidden_and_named():
    """Port 22 of a public address needs the operator's word."""
    answer = find(guard(), "8.8.8.8", 22)

    assert answer.trouble is NetTrouble.FORBIDDEN
    assert answer.remedy == "PORTAL_RELAY_PORTS=22"
    assert isinstance(find(guard(ports=frozenset({22})), "8.8.8.8", 22), Found)


@pytest.mark.parametrize(
    ("rule", "host", "port", "permitted"),
    [
        (AllowRule(network=ip_network("127.0.0.1"), port=25), "127.0.0.1", 25, True),
        (AllowRule(network=ip_network("127.0.0.1"), port=25), "127.0.0.1", 587, False),
        (AllowRule(network=ip_network("127.0.0.1"), port=25), "127.0.0.2", 25, False),
        (
            AllowRule(network=ip_network("127.0.0.1"), port=2626),
            "127.0.0.1",
            2626,
            True,
        ),
        (AllowRule(network=ip_network("10.0.0.0/8")), "10.1.2.3", 9925, True),
        (AllowRule(network=ip_network("::1")), "::1", 25, True),
        (AllowRule(network=ip_network("127.0.0.1")), "::ffff:127.0.0.1", 25, True),
        (AllowRule(network=ip_network("0.0.0.0/0")), "169.254.169.254", 25, False),
        (AllowRule(network=ip_network("169.254.169.254")), "169.254.169.254", 25, True),
        (AllowRule(host="localhost", port=25), "localhost", 25, True),
        (AllowRule(host="localhost", port=25), "LOCALHOST.", 25, True),
        (AllowRule(host="localhost", port=25), "127.0.0.1", 25, False),
        (AllowRule(host="localhost", port=25), "localhost", 587, False),
    ],
)
def test_allow_list_is_exact(rule, host, port, permitted):
    """An entry opens its network or host, at its port, and nothing beside it."""
    assert isinstance(find(guard(rule), host, port), Found) is permitted


def test_host_entry_never_reaches_metadata():
    """Whoever holds the DNS of an allowed name does not get the credentials."""
    with NameServer({"relay.test": ["169.254.169.254"]}) as server:
        net = guard(AllowRule(host="relay.test"), resolver=Resolver(server.address))

        assert find(net, "relay.test").trouble is NetTrouble.FORBIDDEN


def test_metadata_name_is_refused_before_the_look_up():
    with NameServer({"metadata.google.internal": ["8.8.8.8"]}) as server:
        rule = AllowRule(host="metadata.google.internal")
        net = guard(rule, resolver=Resolver(server.address))

        answer = find(net, "metadata.google.internal")

    assert answer.trouble is NetTrouble.FORBIDDEN
    assert not server.asked


def test_every_address_must_pass():
    """One inner address among public ones forbids the host."""
    names = {"mixed.test": ["8.8.8.8", "10.0.0.5"], "fine.test": ["8.8.8.8", "9.9.9.9"]}
    with NameServer(names) as server:
        net = guard(resolver=Resolver(server.address))
        mixed, fine = find(net, "mixed.test"), find(net, "fine.test")

    assert mixed.trouble is NetTrouble.FORBIDDEN
    assert mixed.remedy == "PORTAL_RELAY_ALLOW=10.0.0.5:587"
    assert set(map(str, fine.addresses)) == {"8.8.8.8", "9.9.9.9"}


def test_more_than_sixteen_answers_are_refused():
    names = {"many.test": [f"8.8.4.{n}" for n in range(1, 18)]}
    with NameServer(names) as server:
        answer = find(guard(resolver=Resolver(server.address)), "many.test")

    assert isinstance(answer, NetFailure)
    assert "16" in answer.words


def test_rebinding_is_judged_at_each_connection(canary):
    """The second answer points inside: it is refused, and nothing is connected."""
    port = canary.getsockname()[1]
    with NameServer({"rebind.test": [["8.8.8.8"], ["127.0.0.1"]]}) as server:
        resolver = Resolver(server.address)
        net = guard(resolver=resolver, ports=frozenset({port}))
        first = find(net, "rebind.test", port)
        second = find(net, "rebind.test", port)

    assert isinstance(first, Found)
    assert second.trouble is NetTrouble.FORBIDDEN
    assert not was_touched(canary)


def test_own_address_is_refused():
    """A public address that this machine, or its egress, answers at is inside."""
    own = ip_address("8.8.8.8")

    by_interface = find(guard(is_own=lambda address: address == own), "8.8.8.8")
    by_egress = find(guard(own_addresses=frozenset({own})), "8.8.8.8")

    assert by_interface.trouble is NetTrouble.FORBIDDEN
    assert by_egress.trouble is NetTrouble.FORBIDDEN


def test_nothing_is_opened_that_was_not_found(canary):
    """`open` judges again: an address that no rule permits gets no socket."""
    port = canary.getsockname()[1]
    net = guard(ports=frozenset({port}))

    answer = asyncio.run(net.open(ip_address("127.0.0.1"), port, timeout_s=5))

    assert answer.trouble is NetTrouble.FORBIDDEN
    assert not was_touched(canary)


def test_allowed_host_is_connected_to(canary):
    """A `host:port` entry carries over from the look-up to the socket."""
    port = canary.getsockname()[1]
    net = guard(AllowRule(host="localhost", port=port))

    async def run():
        await net.find("localhost", port, timeout_s=5)
        return await net.open(ip_address("127.0.0.1"), port, timeout_s=5)

    opened = asyncio.run(run())

    assert isinstance(opened, socket.socket)
    opened.close()
    assert was_touched(canary)


def test_policy_reads_the_settings():
    """Allow list, ports, resolver and egress come from the environment."""
    settings = Settings.load(
        {
            "PORTAL_RELAY_ALLOW": "127.0.0.1:25",
            "PORTAL_RELAY_PORTS": "2626",
            "PORTAL_EGRESS_IPS": "8.8.8.8",
            "PORTAL_DNS": "127.0.0.1:5353",
        },
        Path("/nonexistent"),
        warn=pytest.fail,
    )
    own_relay = AllowRule(network=ip_network("10.0.0.5"), port=25)

    policy = policy_of(settings, [own_relay], forbidden_s=0)

    assert policy.resolver == Resolver(("127.0.0.1", 5353))
    net = GuardedNet(policy)
    assert isinstance(find(net, "127.0.0.1", 25), Found)
    assert isinstance(find(net, "10.0.0.5", 25), Found)
    assert isinstance(find(net, "8.8.4.4", 2626), Found)
    assert find(net, "8.8.8.8", 25).trouble is NetTrouble.FORBIDDEN
