"""The repairs of a try: tried in what is left of its time, and told."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace

from portal.address import BadAddress, parse_named
from portal.cli.trying_given import Given
from portal.config import Settings
from portal.delivery.probe import PROBE
from portal.delivery.types import Limits, Outcome, Relay
from portal.diagnosis.types import Diagnosis, Repair
from portal.mail.types import Envelope
from portal.net.types import Net
from portal.providers.catalogue import Catalogue
from portal.services import knowledge
from portal.services.proving import MOST_OFFERED, tried
from portal.services.repairs import Case, is_triable, offered

_AT_LEAST_S = 0.2  # less time than that says nothing about a relay


def diagnosed(
    outcome: Outcome,
    relay: Relay,
    envelope: Envelope,
    given: Given,
    settings: Settings,
    *,
    net: Net,
    ends_at: float,
) -> Diagnosis | None:
    """With repairs that were tried, until `ends_at` (monotonic)."""
    catalogue = Catalogue.load(settings.instance / "providers")
    provider = catalogue.by_host(relay.host)
    hints = knowledge.hints(catalogue, provider.id) if provider else None
    diagnosis = knowledge.diagnose(outcome, relay, hints)
    if diagnosis is None:
        return None
    case = Case(
        relay=relay,
        outcome=outcome,
        provider=provider,
        from_address=_address_of(given.from_ or envelope.reverse_path or ""),
        envelope=envelope,
        ehlo_names=tuple(filter(None, (settings.egress_host,))),
    )
    return _mended(diagnosis, case, net, ends_at)


def told(repairs: tuple[Repair, ...], width: int) -> Iterator[str]:
    for each in repairs:
        shown = ", ".join(
            f"{name} = {_shown(value)}" for name, value in each.set.items()
        )
        how = "tried" if each.tested else "seen" if each.said else "not tried"
        said = f" {each.said}" if each.said else ""
        words = f"A setting repairs it ({how}): {shown}.{said}"
        yield textwrap.fill(words, width, subsequent_indent="  ")


def _mended(diagnosis: Diagnosis, case: Case, net: Net, ends_at: float) -> Diagnosis:
    repairs = offered(diagnosis, case)
    left_s = min(PROBE.total_s, ends_at - time.monotonic())
    if any(map(is_triable, repairs)) and left_s > _AT_LEAST_S:
        limits = Limits.every(min(PROBE.command_s, left_s), left_s)
        repairs = asyncio.run(tried(repairs, case, net, limits=limits))
    return replace(diagnosis, repairs=repairs[:MOST_OFFERED])


def _address_of(typed_from: str) -> str:
    """What a From address as typed is without its name; as it is, if it is none."""
    try:
        return str(parse_named(typed_from).mailbox)
    except BadAddress:
        return typed_from


def _shown(value: str | int) -> str:
    """A certificate by the hash above it, which is what people compare."""
    if str(value).startswith("-----BEGIN"):
        return "the last certificate below"
    return str(value) or "empty"
