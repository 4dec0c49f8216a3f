"""Every door of every host knocked at, all at once: what answers, and how safely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from portal.delivery.probe import Probe, behind, probe
from portal.delivery.tls import sentence
from portal.delivery.types import Auth, FailureKind, Limits, Relay, Security, Stage
from portal.net.types import Net, NetFailure, NetTrouble
from portal.services.finding.types import Door, Lead, Safety, Way

PORTS = (465, 587, 2465, 2525, 25)
# In all modes: a relay without STARTTLS shows in the same conversation that it has
# none, so cleartext needs no third connection.
USUAL = tuple(
    Door(port, security)
    for port in PORTS
    for security in (Security.TLS, Security.STARTTLS)
)
_NOWHERE = (
    NetTrouble.NO_SUCH_HOST,
    NetTrouble.RESOLVER_FAILED,
    NetTrouble.TIMED_OUT,
)
WAITS_FOR_TLS = "It waits for TLS from the start."
LATE = "No answer in time."


async def look(
    leads: Sequence[Lead],
    net: Net,
    *,
    ehlo_name: str,
    on_way: Callable[[Way], None],
    usual: Sequence[Door] = USUAL,
    ca_pem: str | None = None,
    limits: Limits,
    within_s: float,
) -> tuple[Way, ...]:
    """`on_way` hears each as it is known. What is not known after `within_s` is said
    to be late."""
    doors = {lead: tuple(dict.fromkeys((*lead.doors, *usual))) for lead in leads}
    looking = _Looking(net, ehlo_name, ca_pem, limits, on_way)
    tasks = [asyncio.create_task(looking.visit(lead, doors[lead])) for lead in doors]
    if tasks:
        await asyncio.wait(tasks, timeout=within_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tuple(
        looking.ways.get((lead, door)) or _silent(lead, door, LATE)
        for lead in doors
        for door in doors[lead]
    )


@dataclass(frozen=True, slots=True)
class _Looking:
    net: Net
    ehlo_name: str
    ca_pem: str | None
    limits: Limits
    on_way: Callable[[Way], None]
    ways: dict[tuple[Lead, Door], Way] = field(default_factory=dict)

    async def visit(self, lead: Lead, doors: Sequence[Door]) -> None:
        """A name that is not there is asked for once, not at each of its doors."""
        limit_s = self.limits.dns_s
        found = await self.net.find(lead.host, doors[0].port, timeout_s=limit_s)
        if isinstance(found, NetFailure) and found.trouble in _NOWHERE:
            for door in doors:
                self._seen(lead, door, _silent(lead, door, found.words))
            return
        ports = dict.fromkeys(door.port for door in doors)
        await asyncio.gather(*(self._port(lead, port, doors) for port in ports))

    async def _port(self, lead: Lead, port: int, doors: Sequence[Door]) -> None:
        """Where TLS from the start answers, a greeting will never come: whoever waits
        for it there would wait as long as a search may last."""
        tasks = {
            asyncio.create_task(self._knock(lead, door)): door
            for door in doors
            if door.port == port
        }
        try:
            while tasks:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                doors_done = [tasks.pop(task) for task in done]
                if any(self._is_implicit(lead, door) for door in doors_done):
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for door in tasks.values():
            self._seen(lead, door, _silent(lead, door, WAITS_FOR_TLS))

    def _is_implicit(self, lead: Lead, door: Door) -> bool:
        """It has shown a certificate, a good one or not."""
        way = self.ways.get((lead, door))
        if door.security is not Security.TLS or way is None:
            return False
        return way.answers or bool(way.presented)

    async def _knock(self, lead: Lead, door: Door) -> None:
        relay = Relay(
            host=lead.host,
            port=door.port,
            security=door.security,
            auth=Auth.NONE,
            ehlo_name=self.ehlo_name,
            ca_pem=self.ca_pem,
        )
        found = await probe(relay, self.net, limits=self.limits, look=True)
        known = await behind(found, self.net, limits=self.limits)
        self._seen(lead, door, _way(lead, door, found, known))

    def _seen(self, lead: Lead, door: Door, way: Way) -> None:
        self.ways[lead, door] = way
        self.on_way(way)


def _way(lead: Lead, door: Door, found: Probe, known: Probe | None) -> Way:
    """`known` is what is behind a certificate that nobody vouches for."""
    safety, said = _seen(door, found, known)
    security = Security.NONE if safety is Safety.READABLE else door.security
    return Way(
        host=lead.host,
        port=door.port,
        security=security,
        source=lead.source,
        safety=safety,
        said=said,
        mechanisms=(known or found).offers.mechanisms if safety else (),
        ms=found.ms,
        presented=found.facts.presented,
    )


def _seen(door: Door, found: Probe, known: Probe | None) -> tuple[Safety | None, str]:
    failure, tls = found.failure, found.facts.tls
    if failure is None and tls is not None:
        return Safety.TRUSTED, f"{sentence(tls, found.relay.host)}."
    if failure is None:
        return Safety.READABLE, "It answers without encryption."
    if known is not None:
        return Safety.UNTRUSTED, "Nobody that we trust vouches for its certificate."
    if _only_readable(door, found):
        return Safety.READABLE, "It answers, but offers no encryption."
    return None, failure.words


def _only_readable(door: Door, found: Probe) -> bool:
    """It took EHLO and knows no STARTTLS."""
    failure = found.failure
    return (
        failure is not None
        and door.security is Security.STARTTLS
        and failure.stage is Stage.STARTTLS
        and failure.kind is FailureKind.REFUSED_BY_US
        and "STARTTLS" not in found.offers
    )


def _silent(lead: Lead, door: Door, said: str) -> Way:
    return Way(
        host=lead.host,
        port=door.port,
        security=door.security,
        source=lead.source,
        safety=None,
        said=said,
    )
