"""How long a report takes, in times of its longest chain of dependent answers.

A name server on loopback answers each question after a delay, by itself; it knows its
answers by heart from a round that does not count, so that its own work does not either.
Nor does the start of a process, nor what others take: of several rounds the best counts,
of both.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from portal.deliverability.report import report
from portal.deliverability.types import Subject
from portal.net.records import Kind, NameServers
from portal.net.types import NetFailure, NetTrouble
from portal.providers.catalogue import Catalogue
from portal.services import expecting
from tests.net.zones import Zones

TARGET = 1.2
ROUNDS = 9
DELAYS_MS = (20, 50, 100)
KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SHOP = """
@ A 192.0.2.1
@ MX 10 mail
mail A 192.0.2.2
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@vendor.example"
"""


def deep(levels: int) -> str:
    """An SPF record that includes one that includes one…"""
    lines = ['@ TXT "v=spf1 include:spf.mailjet.com include:l1.shop.example ~all"']
    for level in range(1, levels):
        lines.append(f'l{level} TXT "v=spf1 include:l{level + 1}.shop.example -all"')
    return "\n".join([*lines, f'l{levels} TXT "v=spf1 ip4:192.0.2.0/24 -all"'])


DEEP = 6
# Name: provider, zone, and answers of which each is needed for the next question.
DOMAINS: dict[str, tuple[str, str, list[tuple[str, Kind]]]] = {
    "in order": (
        "mailjet",
        f'{deep(1)}\nmailjet._domainkey TXT "{KEY}"',
        [("shop.example", "TXT"), ("spf.mailjet.com", "TXT")],
    ),
    "deep": (
        "mailjet",
        f'{deep(DEEP)}\nmailjet._domainkey TXT "{KEY}"',
        [
            ("shop.example", "TXT"),
            *((f"l{level}.shop.example", "TXT") for level in range(1, DEEP + 1)),
        ],
    ),
    "little there": (
        "postmark",
        "",
        [("shop.example", "MX"), ("mail.shop.example", "A")],
    ),
}
WORLD = {
    "mailjet.com": 'spf TXT "v=spf1 ip4:198.51.100.0/24 ?all"',
    "vendor.example": '*._report._dmarc TXT "v=DMARC1"',
    "example": "www A 192.0.2.1",
}


def bench(asked: argparse.Namespace) -> dict[str, Any]:
    delays = asked.delay_ms or DELAYS_MS
    found = [_measured(name, delay) for name in DOMAINS for delay in delays]
    worst = max(each["times_the_chain"] for each in found)
    return {"ok": worst < TARGET, "worst": worst, "target": TARGET, "reports": found}


def line(found: dict[str, Any]) -> str:
    lines = [
        f"{each['domain']:<12} {each['delay_ms']:>4} ms an answer,"
        f" chain of {each['chain']}: {each['chain_ms']:>6.1f} ms,"
        f" report {each['report_ms']:>6.1f} ms, {each['times_the_chain']:.2f} times"
        for each in found["reports"]
    ]
    return "\n".join([*lines, f"worst {found['worst']:.2f}, wanted < {TARGET}"])


def _measured(name: str, delay_ms: float) -> dict[str, Any]:
    """The chain is timed as it is asked: one after the other, of the same server."""
    provider, zone, chain = DOMAINS[name]
    zones = {"shop.example": SHOP + zone, **WORLD}
    reports, chains = [], []
    subject = _subject(provider)
    with _served(zones, delay_ms / 1000) as address:
        asyncio.run(_one_by_one(chain, address))
        asyncio.run(_timed(subject, address))
        for _ in range(ROUNDS):
            chains.append(asyncio.run(_one_by_one(chain, address)))
            reports.append(asyncio.run(_timed(subject, address)))
    return {
        "domain": name,
        "delay_ms": delay_ms,
        "chain": len(chain),
        "chain_ms": min(chains) * 1000,
        "report_ms": min(reports) * 1000,
        "times_the_chain": min(reports) / min(chains),
    }


@contextmanager
def _served(zones: dict[str, str], delay_s: float) -> Iterator[tuple[str, int]]:
    """In a process of its own, so that it takes no time from the report."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    args = (theirs, zones, delay_s)
    serving = multiprocessing.get_context("spawn").Process(target=_serve, args=args)
    serving.start()
    try:
        yield ours.recv()
    finally:
        ours.send("enough")
        serving.join()


def _serve(pipe: Connection, zones: dict[str, str], delay_s: float) -> None:
    asyncio.run(_until_enough(pipe, zones, delay_s))


async def _until_enough(
    pipe: Connection, zones: dict[str, str], delay_s: float
) -> None:
    loop, enough = asyncio.get_running_loop(), asyncio.Event()
    with Zones(zones) as served:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _ByHeart(served, delay_s), local_addr=("127.0.0.1", 0)
        )
        pipe.send(transport.get_extra_info("sockname"))
        loop.add_reader(pipe.fileno(), enough.set)
        await enough.wait()
        transport.close()


class _ByHeart(asyncio.DatagramProtocol):
    """Of each question only the first is looked up; the id alone differs."""

    def __init__(self, served: Zones, delay_s: float) -> None:
        self._served, self._delay_s = served, delay_s
        self._known: dict[bytes, bytes] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, wire: bytes, peer: tuple[str, int]) -> None:
        due = asyncio.get_running_loop().time() + self._delay_s
        if wire[2:] not in self._known:
            answer = self._served.answer(wire, over_udp=True)
            assert answer is not None
            self._known[wire[2:]] = answer[2:]
        answer = wire[:2] + self._known[wire[2:]]
        asyncio.get_running_loop().call_at(due, self._transport.sendto, answer, peer)


async def _one_by_one(chain: list[tuple[str, Kind]], address: tuple[str, int]) -> float:
    servers, began = NameServers(address), time.perf_counter()
    for name, kind in chain:
        await servers.ask(name, kind)
    return time.perf_counter() - began


def _subject(provider_id: str) -> Subject:
    provider = Catalogue.load().get(provider_id)
    assert provider is not None
    made = expecting.expectation(provider, "shop.example")
    return Subject(domain="shop.example", expectation=made)


async def _timed(subject: Subject, address: tuple[str, int]) -> float:
    began = time.perf_counter()
    await report(subject, NameServers(address), _nobody)
    return time.perf_counter() - began


async def _nobody(url: str) -> NetFailure:
    return NetFailure(trouble=NetTrouble.REFUSED, words="refused")
