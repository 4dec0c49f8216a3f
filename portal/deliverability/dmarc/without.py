"""Why no policy was found, from the likeliest mistake on, and what to publish instead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.mending import merged, restored, written
from portal.deliverability.dmarc.record import is_dmarc, is_meant
from portal.deliverability.dmarc.walk import Step, Walk
from portal.deliverability.doubled import doubled
from portal.deliverability.suffixes import organization, with_registered
from portal.deliverability.types import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """`name` and `value` of the record to publish; None: a first one, at the usual
    place."""

    reason: str
    note: str
    found: tuple[str, ...] = ()
    name: str | None = None
    value: str | None = None


async def why_none(asking: Asking, subject: Subject, walked: Walk) -> Why:
    there = _here(walked) or await _elsewhere(asking, subject.domain)
    return there or _beyond(walked) or _MISSING


_MISSING = Why(
    reason="dmarc_missing",
    note="Asks for reports first; then quarantine, then reject.",
)


def _here(walked: Walk) -> Why | None:
    own = [each for each in walked.steps if organization(each.domain)]
    found = [why for step in own if (why := why_not(step)) is not None]
    found.sort(key=lambda why: why.reason != "dmarc_multiple_records")
    return found[0] if found else None


def why_not(step: Step) -> Why | None:
    """Of records that stand where receivers look, and do not count."""
    if len(step.texts) > 1:
        return Why(
            reason="dmarc_multiple_records",
            note=step.in_place("One record in place of all that are there."),
            found=step.texts,
            name=step.name,
            value=merged(step.texts, step.domain),
        )
    meant = tuple(text for text in step.answer.records if is_meant(text))
    if step.texts or not meant:
        return None
    return Why(
        reason="dmarc_invalid_version",
        note=step.in_place("In place of the record that is there."),
        found=meant,
        name=step.name,
        value=written(restored(meant[0]), step.domain),
    )


def _beyond(walked: Walk) -> Why | None:
    """An alias at the name of the organization, to where no policy is."""
    for step in walked.steps:
        if organization(step.domain) == step.domain and step.answer.aliases:
            target = step.answer.aliases[-1]
            return Why(
                reason="dmarc_missing",
                note=f"The CNAME there leads to {target}, which has no policy: "
                "mend it there, or publish this in its place.",
                found=(f"CNAME {target}",),
            )
    return None


async def _elsewhere(asking: Asking, domain: str) -> Why | None:
    names = with_registered(domain)
    apexes, twice = await asyncio.gather(
        asyncio.gather(*(asking.ask(each, "TXT") for each in names)),
        asyncio.gather(*(doubled(asking, f"_dmarc.{each}", each) for each in names)),
    )
    places = [
        ("dmarc_record_at_wrong_name", name, answer)
        for name, answer in zip(names, apexes, strict=True)
    ] + [
        ("dmarc_name_doubled", name, answer)
        for name, both in zip(names, twice, strict=True)
        for answer in both
    ]
    for reason, name, answer in places:
        there = tuple(text for text in answer.records if is_dmarc(text))
        if there:
            return Why(
                reason=reason,
                note=f"It stands at {answer.name}, where nobody looks.",
                found=there,
                name=f"_dmarc.{name}",
                value=there[0],
            )
    return None
