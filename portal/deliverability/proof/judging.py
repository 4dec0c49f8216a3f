"""A received mail as a receiver judges it: what verifies, and what aligns (RFC 9989)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Dmarc, Policy
from portal.deliverability.dmarc.walk import Walk, organization_of, walk
from portal.deliverability.proof.types import (
    Evidence,
    Judged,
    Outcome,
    Proof,
    Signed,
    Told,
    ToldAligned,
)
from portal.deliverability.proof.verifying import verified
from portal.deliverability.suffixes import organization

_PASS = "pass"  # noqa: S105, a result


async def prove(asking: Asking, evidence: Evidence) -> Proof:
    """Never raises; what the DNS does not answer stays unknown."""
    domain = evidence.from_domain
    walked, signatures = await asyncio.gather(
        walk(asking, domain),
        asyncio.gather(*(verified(asking, each) for each in evidence.signatures)),
    )
    record = walked.source.record if walked.source else None
    aligned = _Alignment(asking, walked, domain, record)
    judged = [
        Judged(
            domain=each.domain,
            selector=each.selector,
            algorithm=each.algorithm,
            outcome=outcome,
            reason=reason,
            is_aligned=await aligned.by_dkim(each.domain),
            bits=key.bits if key else None,
            is_partial=each.is_partial,
        )
        for each, (outcome, reason, key) in zip(
            evidence.signatures, signatures, strict=True
        )
    ]
    spf = [
        ToldAligned(told=each, is_aligned=await aligned.by_spf(each.domain))
        for each in evidence.spf
    ]
    dkim = [
        ToldAligned(told=each, is_aligned=await aligned.by_dkim(each.domain))
        for each in evidence.dkim
        if _is_of_one(each, evidence.signatures)
    ]
    return Proof(
        from_domain=domain,
        signatures=tuple(judged),
        spf=tuple(spf),
        dkim=tuple(dkim),
        policy=_policy(record, walked, domain),
        is_policy_known=walked.unknown is None,
        passes=_passes(judged, spf, dkim, evidence.dmarc),
        dmarc=evidence.dmarc,
    )


def _is_of_one(told: Told, signatures: Iterable[Signed]) -> bool:
    """Nobody can have verified a signature that is not there."""
    return any(
        each.domain == told.domain and told.selector in (None, each.selector)
        for each in signatures
    )


class _Alignment:
    """Whether a domain is that of From, as its policy asks for it."""

    def __init__(
        self, asking: Asking, walked: Walk, domain: str, record: Dmarc | None
    ) -> None:
        self._asking = asking
        self._domain = domain
        self._record = record
        self._organization = walked.organization
        self._is_known = walked.unknown is None

    async def by_dkim(self, domain: str | None) -> bool | None:
        strictly = self._record is not None and self._record.is_strict_dkim
        return await self._of(domain, strictly=strictly)

    async def by_spf(self, domain: str | None) -> bool | None:
        strictly = self._record is not None and self._record.is_strict_spf
        return await self._of(domain, strictly=strictly)

    async def _of(self, domain: str | None, *, strictly: bool) -> bool | None:
        if not domain:
            return False
        if domain == self._domain:
            return True
        if strictly:
            return False
        other = await organization_of(self._asking, domain)
        mine = self._organization or organization(self._domain)
        if mine == (other or organization(domain)):
            return True
        return False if self._is_known else None


def _policy(record: Dmarc | None, walked: Walk, domain: str) -> Policy | None:
    if record is None or walked.source is None:
        return None
    return record.policy if walked.source.domain == domain else record.for_subdomains


def _passes(
    judged: list[Judged],
    spf: list[ToldAligned],
    dkim: list[ToldAligned],
    said: str | None,
) -> bool | None:
    """One that holds and aligns is enough. A key may have gone since, and a pasted
    body differ: there the receiver's word stands for what it saw."""
    held = [each.is_aligned for each in judged if each.outcome is Outcome.VERIFIED]
    held += [each.is_aligned for each in (*spf, *dkim) if each.told.result == _PASS]
    if True in held or said == _PASS:
        return True
    if said == "fail":
        return False
    half = (Outcome.UNKNOWN, Outcome.HEADER_ONLY)
    is_open = any(
        each.outcome in half and each.is_aligned is not False for each in judged
    )
    # Without the receiver's word nobody knows what SPF said when the mail came.
    return None if None in held or is_open or not spf else False
