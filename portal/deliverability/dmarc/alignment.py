"""Does this sender's mail align with its From (RFC 9989 §4.4): by signature, by envelope."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass

from portal.deliverability import domains
from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Dmarc
from portal.deliverability.dmarc.walk import organization_of
from portal.deliverability.suffixes import registered
from portal.deliverability.types import Check, Status, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """`relaxed`: of one organization, `registered` by the list of public suffixes;
    `strict`: the same name. `usable` None: nobody knows, for the reason `unasked` where
    the DNS did not tell."""

    domain: str | None
    relaxed: bool
    strict: bool
    usable: bool | None
    unasked: str | None = None
    registered: bool = False

    def holds(self, *, strictly: bool) -> bool | None:
        if not (self.strict if strictly else self.relaxed):
            return False
        return self.usable


def either(
    record: Dmarc, signature: Aligned, envelope: Aligned, *, older: bool = False
) -> bool | None:
    """Whether one of the two aligns; `older`: to receivers that go by RFC 7489."""
    if older:
        signature, envelope = (
            dataclasses.replace(each, relaxed=each.registered)
            for each in (signature, envelope)
        )
    halves = (
        signature.holds(strictly=record.is_strict_dkim),
        envelope.holds(strictly=record.is_strict_spf),
    )
    return True if True in halves else None if None in halves else False


async def by_signature(asking: Asking, subject: Subject, dkim: Check | None) -> Aligned:
    if dkim is None:
        return Aligned(domain=None, relaxed=False, strict=False, usable=False)
    return await _aligned(asking, subject, domains.signing(subject), dkim)


async def by_envelope(asking: Asking, subject: Subject, spf: Check) -> Aligned:
    host = domains.aligning(subject)
    if host is None or "{" in host:
        return Aligned(domain=None, relaxed=False, strict=False, usable=False)
    return await _aligned(asking, subject, host, spf)


async def _aligned(
    asking: Asking, subject: Subject, domain: str, check: Check
) -> Aligned:
    same = domain == subject.domain
    own, other = (
        (None, None)
        if same
        else await asyncio.gather(
            _organization(asking, subject.domain), _organization(asking, domain)
        )
    )
    return Aligned(
        domain=domain,
        relaxed=same or own == other,
        strict=same,
        usable=_is_usable(check),
        unasked=next((each for each in check.reasons if each.startswith("dns_")), None),
        registered=registered(domain) == registered(subject.domain),
    )


async def _organization(asking: Asking, domain: str) -> str:
    """By the walk; where nobody publishes anything, by the list of suffixes."""
    walked = await organization_of(asking, domain)
    return walked or registered(domain)


def _is_usable(check: Check) -> bool | None:
    if check.facts.get("usable"):
        return True  # one key is there, whatever became of the others
    if check.status is Status.UNKNOWN or "dkim_selector_unknown" in check.reasons:
        return None
    if {"spf_return_path_missing", "spf_missing"} & set(check.reasons):
        return False  # a warning where the signature can do without
    return check.status in (Status.PASS, Status.WARN)


def _goes_nowhere_or_home(subject: Subject) -> bool:
    """A provider signs for its own domains; a test server delivers to nobody."""
    spf = subject.spf
    return subject.is_homely or (spf is not None and spf.evaluated_at == "none")


async def unpublished(
    asking: Asking, subject: Subject, spf: Check, dkim: Check | None
) -> tuple[str, ...]:
    """What stays wrong when a policy is published: nothing of this provider's is of
    From's organization, whatever else is."""
    found = await asyncio.gather(
        by_signature(asking, subject, dkim), by_envelope(asking, subject, spf)
    )
    if _goes_nowhere_or_home(subject) or any(each.relaxed for each in found):
        return ()
    return ("dmarc_not_aligned",)


def verdict(
    record: Dmarc, signature: Aligned, envelope: Aligned, subject: Subject
) -> dict[str, Status]:
    if _goes_nowhere_or_home(subject):
        return {}
    aligns = either(record, signature, envelope)
    if aligns:
        return {}
    if aligns is None:
        halves = unasked(record, signature, envelope)
        return {each.unasked: Status.UNKNOWN for each in halves if each.unasked}
    if signature.holds(strictly=False) or envelope.holds(strictly=False):
        return {"dmarc_strict_alignment": Status.FAIL}
    return {"dmarc_not_aligned": Status.FAIL}


def unasked(record: Dmarc, signature: Aligned, envelope: Aligned) -> list[Aligned]:
    """The halves that might align, if the DNS had told."""
    both = ((signature, record.is_strict_dkim), (envelope, record.is_strict_spf))
    return [
        half
        for half, strictly in both
        if half.unasked and half.holds(strictly=strictly) is None
    ]
