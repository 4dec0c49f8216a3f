"""Answers with octets turned, cut and put in: whatever comes is read, and nothing raises."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.net.records import Answered, NameServers
from tests.net.rogue import Rogue, answer

HONEST = {
    "MX": ("shop.example. MX 10 mail.shop.example.", "shop.example. MX 20 b.example."),
    "TXT": ("shop.example. CNAME a.example.", 'a.example. TXT "v=spf1" " -all"'),
    "TLSA": (f"shop.example. TLSA 3 1 1 {'ab' * 32}",),
    "SOA": ("shop.example. SOA ns.example. h.example. 1 2 3 4 5",),
    "SRV": ("shop.example. SRV 5 0 587 mail.shop.example.",),
    "A": ("shop.example. A 192.0.2.1",),
}
CHANGES = st.lists(
    st.tuples(st.integers(0, 300), st.binary(max_size=3), st.integers(0, 3)), max_size=6
)


@pytest.mark.parametrize("kind", HONEST)
def test_nothing_raises(kind):
    made = []

    def changed(query):
        wire, behind = answer(query, *HONEST[kind]), len(query) - 11
        for at, octets, taken in made:
            place = min(len(wire), behind + at)
            wire = wire[:place] + octets + wire[place + taken :]
        return [wire]

    @settings(max_examples=60, deadline=None)
    @given(CHANGES)
    def asked(changes):
        made[:] = changes
        servers = NameServers(rogue.address, timeout_s=3, rounds=1)
        found = asyncio.run(servers.ask("shop.example", kind))
        assert isinstance(found.answered, Answered)
        assert bool(found.records) == (found.answered is Answered.OK)

    with Rogue(changed) as rogue:
        asked()
