"""Which of a host's addresses is talked to, and under which name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.conversation import converse
from portal.delivery.types import FailureKind, Limits, Stage
from portal.net.guard import SENTENCE, GuardedNet, Policy
from portal.net.lookup import Resolver
from portal.net.open import OpenNet
from portal.net.types import Found
from tests.delivery.asking import CONTENT, PATIENT, envelope_to, relay_at
from tests.net.nameserver import NameServer

NAME = "relay.test"
DEAD = "127.0.0.9"  # nobody listens there: refused at once


@dataclass(frozen=True, slots=True)
class InOrder(OpenNet):
    """Finds these addresses in this order, which a name server does not promise."""

    order: tuple[str, ...] = ()

    async def find(self, host, port, *, timeout_s):
        return Found(host=host, addresses=tuple(map(ip_address, self.order)))


def send(relay, net, limits=PATIENT):
    return asyncio.run(
        converse(relay, net, envelope_to(), CONTENT, lambda step: None, limits=limits)
    )


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.fixture
def black_hole():
    """`black_hole(port)`: an address where connections are neither taken nor refused."""
    sockets = []

    def open_(port):
        full = socket.create_server(("127.0.0.8", port), backlog=0)
        sockets.append(full)
        for _ in range(4):  # fills the queue of those who wait
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.8", port))
            sockets.append(waiting)
        return "127.0.0.8"

    yield open_
    for each in sockets:
        each.close()


@pytest.mark.parametrize("dead", [[DEAD], [DEAD, "127.0.0.7"], ["::1", DEAD]])
def test_next_address_is_tried_where_one_refuses(sink, dead):
    relay = sink()
    net = InOrder(order=(*dead, "127.0.0.1"))

    outcome = send(relay_at(relay, host=NAME), net)

    assert outcome.status == "sent"
    assert outcome.facts.address == "127.0.0.1"


def test_silent_address_gets_its_share_and_no_more(sink, black_hole):
    """Two addresses, two seconds: the second is tried after one."""
    relay = sink()
    silent = black_hole(relay.port)
    limits = Limits(connect_s=2)
    started = time.monotonic()

    net = InOrder(order=(silent, "127.0.0.1"))
    outcome = send(relay_at(relay, host=NAME), net, limits)

    assert outcome.status == "sent"
    assert outcome.facts.address == "127.0.0.1"
    assert 0.9 < time.monotonic() - started < 10


def test_all_addresses_dead_is_one_failure_with_the_words_of_each(sink):
    relay = sink()
    with NameServer({NAME: [DEAD, "127.0.0.7"]}) as server:
        outcome = send(relay_at(relay, host=NAME), OpenNet(dns=server.address))

    assert outcome.failure.stage is Stage.CONNECT
    assert outcome.failure.exception == "ConnectionRefusedError"
    assert DEAD in outcome.failure.words
    assert "127.0.0.7" in outcome.failure.words


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on loopback")
def test_ipv6_alone_is_enough(sink):
    relay = sink(host="::1")
    with NameServer({NAME: ["::1"]}) as server:
        outcome = send(relay_at(relay, host=NAME), OpenNet(dns=server.address))

    assert outcome.status == "sent"
    assert outcome.facts.address == "::1"


def test_other_addresses_are_not_tried_after_auth(play, sink, authority):
    """A refused password is refused at each of a relay's addresses."""
    refusing = play("auth_rejected.txt")
    other = sink(host="127.0.0.2", port=refusing.port, tls=authority.contexts["good"])
    relay = relay_at(refusing, "tls", host=NAME, username="kim", ca_pem=authority.pem)
    outcome = send(relay, InOrder(order=("127.0.0.1", "127.0.0.2")))

    assert outcome.failure.stage is Stage.AUTH
    assert refusing.connections == 1
    assert other.log_ons == []
    assert other.mails == []


def test_one_forbidden_address_forbids_them_all(play):
    """Each must pass, else none is connected to."""
    relay = play("accepts.txt")
    allow = (AllowRule(network=ip_network("127.0.0.1/32"), port=relay.port),)
    with NameServer({NAME: ["127.0.0.1", "127.0.0.2"]}) as server:
        policy = Policy(allow=allow, forbidden_s=0, resolver=Resolver(server.address))
        outcome = send(relay_at(relay, host=NAME), GuardedNet(policy))

    assert outcome.failure.kind is FailureKind.FORBIDDEN
    assert outcome.failure.words == SENTENCE
    assert relay.connections == 0


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_name_of_the_host_is_asked_for_and_checked(
    sink, authority, monkeypatch, security
):
    """SNI (RFC 6066 §3), whatever address answered."""
    asked = []
    context = authority.contexts["good"]
    monkeypatch.setattr(
        context, "sni_callback", lambda _, name, __: asked.append(name), raising=False
    )
    relay = sink(**{security: context})
    with NameServer({NAME: ["127.0.0.1"]}) as server:
        outcome = send(
            relay_at(relay, security, host=NAME, ca_pem=authority.pem),
            OpenNet(dns=server.address),
        )

    assert outcome.status == "sent"
    assert asked == [NAME]


def test_address_needs_its_own_name_in_the_certificate(sink, authority):
    """An IP SAN (RFC 9525 §6.5); SNI has no addresses."""
    relay = sink(tls=authority.contexts["good"])

    named = send(relay_at(relay, "tls", ca_pem=authority.pem), OpenNet())
    other = sink(host="127.0.0.2", tls=authority.contexts["good"])
    unnamed = send(relay_at(other, "tls", ca_pem=authority.pem), OpenNet())

    assert named.status == "sent"
    assert unnamed.failure.stage is Stage.TLS
    assert "IP address mismatch" in unnamed.failure.words


def test_tls_1_1_is_refused_by_us(authority):
    from portal.delivery import tls

    context = tls.context_of(authority.pem)

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


HELO_ONLY = (
    "S: 220 relay.test SMTP\nC: EHLO *\nS: 502 What is EHLO\nC: QUIT\nS: 221 Bye\n"
)


@pytest.mark.parametrize(
    ("security", "values", "missing"),
    [
        ("starttls", {}, "no STARTTLS"),
        ("starttls", {"username": "kim"}, "no STARTTLS and no AUTH"),
        ("none", {"username": "kim", "allow_cleartext_auth": True}, "no AUTH"),
    ],
)
def test_helo_is_no_way_to_tls_or_auth(play, security, values, missing):
    """The relay refuses EHLO, and with it what we need of it."""
    relay = play(HELO_ONLY)

    outcome = send(relay_at(relay, security, **values), OpenNet())

    assert outcome.failure.stage is Stage.EHLO
    assert outcome.failure.reply.code == 502
    assert missing in outcome.failure.words
    assert relay.surprise is None


def test_helo_is_enough_behind_implicit_tls(play, authority):
    relay = play(
        "! tls\n" + HELO_ONLY.replace("C: QUIT", "C: HELO *\nS: 250 Hi\nC: QUIT")
    )

    outcome = asyncio.run(
        converse(
            relay_at(relay, "tls", ca_pem=authority.pem),
            OpenNet(),
            envelope_to(),
            CONTENT,
            lambda step: None,
            limits=PATIENT,
            stop_after=Stage.EHLO,
        )
    )

    assert outcome.status == "stopped"
    assert relay.surprise is None
