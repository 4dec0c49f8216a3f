"""Why no policy was found, from the likeliest mistake on, and what to publish instead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc import older
from portal.deliverability.dmarc.record import is_dmarc, is_meant
from portal.deliverability.dmarc.walk import Walk
from portal.deliverability.doubled import doubled
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
    return _here(walked) or await _elsewhere(asking, subject.domain) or _MISSING


_MISSING = Why(
    reason="dmarc_missing",
    note="Asks for reports first; then quarantine, then reject.",
)


def _here(walked: Walk) -> Why | None:
    own = [each for each in walked.steps if older.organization(each.domain)]
    for step in own:
        if len(step.texts) > 1:
            return Why(
                reason="dmarc_multiple_records",
                note="One record in place of all that are there.",
                found=step.texts,
                name=step.name,
                value=step.texts[0],
            )
    for step in own:
        meant = tuple(text for text in step.answer.records if is_meant(text))
        if meant:
            return Why(
                reason="dmarc_invalid_version",
                note="In place of the record that is there.",
                found=meant,
                name=step.name,
            )
    return None


async def _elsewhere(asking: Asking, domain: str) -> Why | None:
    names = tuple(dict.fromkeys((domain, older.organization(domain) or domain)))
    apexes, twice = await asyncio.gather(
        asyncio.gather(*(asking.ask(each, "TXT") for each in names)),
        asyncio.gather(*(doubled(asking, f"_dmarc.{each}", each) for each in names)),
    )
    for reason, answers in (
        ("dmarc_record_at_wrong_name", apexes),
        ("dmarc_name_doubled", [answer for both in twice for answer in both]),
    ):
        for answer in answers:
            there = tuple(text for text in answer.records if is_dmarc(text))
            if there:
                note = f"It stands at {answer.name}, where nobody looks."
                return Why(reason=reason, note=note, found=there, value=there[0])
    return None
