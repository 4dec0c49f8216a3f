"""Repairs tried by probes, which send no credential: what is refuted is not offered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from portal.delivery.probe import PROBE, Probe, behind, probe, would_let_in
from portal.delivery.types import Auth, Limits, Relay, Security, Stage
from portal.diagnosis.types import Repair
from portal.net.types import Net
from portal.services.repairs import Case, applied, is_triable

MOST_OFFERED = 3
MOST_TRIED = 5
_OF_MAIL = (Stage.MAIL_FROM, Stage.RCPT_TO)
_HOW = {
    Security.TLS: "with TLS from the start",
    Security.STARTTLS: "with STARTTLS",
    Security.NONE: "without encryption",
}


async def tried(
    repairs: tuple[Repair, ...], case: Case, net: Net, *, limits: Limits = PROBE
) -> tuple[Repair, ...]:
    """What works first, then what could not be tried. All are tried at once, and end
    within `limits.total_s`."""
    triable = [each for each in repairs if is_triable(each)][:MOST_TRIED]
    seen = await asyncio.gather(*(_tried(each, case, net, limits) for each in triable))
    known = [each for each in seen if each is not None]
    works = tuple(each for each in known if each.tested)
    half = tuple(each for each in known if not each.tested)
    others = tuple(each for each in repairs if not is_triable(each))
    return (*works, *others, *half)[:MOST_OFFERED]


async def _tried(repair: Repair, case: Case, net: Net, limits: Limits) -> Repair | None:
    """The repair with what was seen; None where it was refuted, or came too late."""
    try:
        async with asyncio.timeout(limits.total_s):
            return await _seen(repair, case, net, limits)
    except TimeoutError:
        return None


def _is_about_mail(repair: Repair, case: Case) -> bool:
    """Whether only MAIL and RCPT can tell that it helps."""
    refused = case.outcome.stage in _OF_MAIL
    return "auth" in repair.set or ("ehlo_name" in repair.set and refused)


async def _seen(repair: Repair, case: Case, net: Net, limits: Limits) -> Repair | None:
    relay = applied(case.relay, repair.set)
    asks = relay.auth is Auth.NONE and _is_about_mail(repair, case)
    envelope = case.envelope if asks else None
    look = "ca" not in repair.set
    found = await probe(relay, net, limits=limits, envelope=envelope, look=look)
    if found.answers and would_let_in(found, relay):
        if _proves_less(repair, case):
            return repair
        return replace(repair, tested=True, said=_words(repair, relay, found))
    untrusted = await behind(found, net, limits=limits)
    if untrusted is None or not would_let_in(untrusted, relay):
        return None
    there = f"{relay.port} {_HOW[relay.security]} answers here"
    return replace(repair, said=f"{there}, with a certificate that nobody vouches for.")


def _proves_less(repair: Repair, case: Case) -> bool:
    """A name that EHLO takes may still be refused after the sign-in."""
    late = case.outcome.stage in _OF_MAIL and case.relay.auth is not Auth.NONE
    return "ehlo_name" in repair.set and late


def _words(repair: Repair, relay: Relay, found: Probe) -> str:
    if "ca" in repair.set:
        return "With it, the relay’s certificate is valid."
    if "ehlo_name" in repair.set:
        return f"The relay takes the name {relay.ehlo_name}."
    if "auth" in repair.set:
        return "The relay takes mail from here without a password."
    if "local_address" in repair.set:
        return "The relay answers then."
    said = f"{relay.port} {_HOW[relay.security]} answers here"
    mechanisms = found.offers.mechanisms
    return f"{said} and offers {', '.join(mechanisms)}." if mechanisms else f"{said}."
