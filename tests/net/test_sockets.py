"""Pinned sockets: connected to exactly one address, or a value that says why not."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from portal.net import sockets
from portal.net.open import LoopbackNet
from portal.net.types import NetTrouble

LOOPBACK = ip_address("127.0.0.1")


def dial(port: int, **values):
    return asyncio.run(sockets.connect(LOOPBACK, port, timeout_s=5, **values))


@pytest.fixture
def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_socket_is_connected_and_does_not_block():
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = dial(server.getsockname()[1])

        assert opened.getpeername() == server.getsockname()
        assert not opened.getblocking()
        opened.close()


def test_local_address_is_bound():
    """127.0.0.2 is ours on Linux: the relay sees it as the source."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = dial(server.getsockname()[1], local_address="127.0.0.2")

        assert opened.getsockname()[0] == "127.0.0.2"
        opened.close()


def test_foreign_local_address_is_a_value(closed_port):
    answer = dial(closed_port, local_address="192.0.2.1")

    assert answer.trouble is NetTrouble.OTHER
    assert "from 192.0.2.1" in answer.words


def test_closed_port_is_refused(closed_port):
    answer = dial(closed_port)

    assert answer.trouble is NetTrouble.REFUSED
    assert answer.exception == "ConnectionRefusedError"
    assert answer.words == (
        f"127.0.0.1 port {closed_port} refused the connection:"
        " [Errno 111] Connection refused."
    )


def test_full_backlog_times_out():
    """A host that drops our packets is given up at the limit."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        port = server.getsockname()[1]

        answer = asyncio.run(sockets.connect(LOOPBACK, port, timeout_s=0.2))

    assert answer.trouble is NetTrouble.TIMED_OUT
    assert answer.exception == "TimeoutError"


def test_own_addresses_are_known():
    assert sockets.is_own(LOOPBACK)
    assert not sockets.is_own(ip_address("192.0.2.1"))


def test_loopback_net_opens_its_port_only(closed_port):
    with socket.create_server(("127.0.0.1", 0)) as server:
        net = LoopbackNet(server.getsockname()[1])
        opened = asyncio.run(net.open(LOOPBACK, net.port, timeout_s=5))
        other = asyncio.run(net.open(LOOPBACK, closed_port, timeout_s=5))

        assert isinstance(opened, socket.socket)
        opened.close()
    assert other.trouble is NetTrouble.FORBIDDEN
