"""An address of loopback of its own for each test, where the usual ports are free,
and a name server for it."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.net.zones import Zones

_NUMBERS = itertools.count(1)


@pytest.fixture
def place() -> str:
    """127.x.y.z: different in each test of each process, so that 2525 is free."""
    number = next(_NUMBERS)
    third, fourth = divmod(number, 250)
    address = f"127.{os.getpid() % 199 + 50}.{third + 1}.{fourth + 1}"
    with socket.socket() as free:
        free.bind((address, 0))
    return address


@pytest.fixture
def zones() -> Iterator[Callable[..., Zones]]:
    """`zones({"peer.example": "@ MX 10 mx"})`: a name server for as long as the test."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(Zones(*args, **more))
