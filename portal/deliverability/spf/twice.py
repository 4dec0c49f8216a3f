"""Providers that look for SPF in two places: at the envelope, and at From."""

from __future__ import annotations

import dataclasses

from portal.deliverability import domains
from portal.deliverability.rating import worst
from portal.deliverability.types import Check, Status, Subject


def at_from_domain(subject: Subject) -> Subject | None:
    """The same sender as if the envelope were From's; None where that is not asked."""
    made, spf = subject.expectation, subject.spf
    if made is None or spf is None or subject.is_homely:
        return None
    twice = spf.evaluated_at == "return_path" and spf.required_at_from_domain
    if not twice or domains.envelope(subject) == subject.domain:
        return None
    there = dataclasses.replace(
        made, spf=dataclasses.replace(spf, evaluated_at="from_domain")
    )
    return dataclasses.replace(subject, return_path=None, expectation=there)


def both(at_envelope: Check, at_from: Check) -> Check:
    """One check of two; what is wrong at either is wrong."""
    if at_from.status is Status.PASS:
        return at_envelope
    status = worst((at_envelope.status, at_from.status))
    first, second = (
        (at_from, at_envelope) if at_from.status is status else (at_envelope, at_from)
    )
    reasons = dict.fromkeys((*first.reasons, *second.reasons))
    reasons.pop("spf_ok", None)
    return dataclasses.replace(
        first,
        status=status,
        reasons=tuple(reasons),
        found=(*first.found, *second.found),
        fixes=(*first.fixes, *second.fixes),
        facts=dict(at_envelope.facts)
        | {
            "from_domain": dict(at_from.facts),
            "usable": at_envelope.status is Status.PASS,  # for alignment
        },
    )
