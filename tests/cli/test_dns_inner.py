"""`portal dns` of a stranger's domain is not led to what is inside."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner

from portal.cli import main
from portal.net.guard import SENTENCE
from tests.net.zones import Zones

INNER = "127.0.0.25"
LED_INSIDE = f"""
    @ MX 10 mail
    @ TXT "v=spf1 mx -all"
    mail A {INNER}
    _25._tcp.mail TLSA 3 1 1 {"ab" * 32}
    _mta-sts TXT "v=STSv1; id=1"
    mta-sts A {INNER}
"""


@pytest.fixture(params=[443, 25])
def inside(request):
    """A server that only this machine is meant to reach."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((INNER, request.param))
        except OSError as error:
            pytest.skip(f"who runs these tests may not serve that port: {error}")
        listening.listen()
        listening.setblocking(False)
        yield listening


def checked():
    with Zones({"shop.example": LED_INSIDE}, authenticated=True) as served:
        at = "{}:{}".format(*served.address)
        words = ["dns", "shop.example", "--json", "--nameserver", at]
        done = CliRunner().invoke(main, words)
    checks = json.loads(done.stdout)["checks"]
    return {each["check"]: each for each in checks}


def test_nobody_inside_is_spoken_to(inside):
    checks = checked()

    with pytest.raises(BlockingIOError):
        inside.accept()
    assert checks["dane"]["facts"]["seen"] == {"mail.shop.example": None}


def test_what_is_not_looked_at_is_not_accused():
    """That a mail host shows nothing says nothing; a policy nobody outside can get
    is none (RFC 8461 §3.3)."""
    checks = checked()

    assert checks["dane"]["reasons"] == ["dane_ok"]
    assert checks["mta_sts"]["reasons"] == ["mta_sts_policy_unreachable"]
    assert checks["mta_sts"]["facts"]["said"] == SENTENCE
