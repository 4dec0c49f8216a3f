"""The tree walk: whose policy holds for a domain, and to whom it belongs (RFC 9989 §4.10).

All names are asked for at once; what is read from them is what a walk would read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Dmarc, is_dmarc, read
from portal.deliverability.suffixes import organization
from portal.net.records import Records

MOST_LABELS = 7  # above so many the walk jumps


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What stands at `_dmarc.` + `domain`."""

    domain: str
    answer: Records
    texts: tuple[str, ...]
    record: Dmarc | None

    @property
    def name(self) -> str:
        return f"_dmarc.{self.domain}"

    def in_place(self, note: str) -> str:
        """`note` of a record to publish there, unless an alias is in the way."""
        if not self.answer.aliases:
            return note
        leads = f"The CNAME there leads to {self.answer.aliases[-1]}"
        return f"{leads}: mend it there, or publish this in its place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """`steps` from the domain up, as far as a walk goes. `organization` is None where
    there is no record at all. `source` is the step whose policy holds."""

    steps: tuple[Step, ...]
    organization: str | None
    source: Step | None

    @property
    def unknown(self) -> Records | None:
        """The first answer that did not come, where that may change the outcome: not
        where the domain has a record itself, and above one that is inherited, as the
        highest counts. Of a public suffix it seldom does: hardly one has a record."""
        if self.source is self.steps[0]:
            return None
        lost = (each for each in self.steps if not each.answer.answered.is_known)
        return next((each.answer for each in lost if organization(each.domain)), None)


def names(domain: str) -> tuple[str, ...]:
    """The domains of a walk, at most eight."""
    labels = domain.split(".")
    found = [domain]
    if len(labels) > MOST_LABELS:
        labels = labels[-MOST_LABELS:]
        found.append(".".join(labels))
    while len(labels) > 1:
        labels = labels[1:]
        found.append(".".join(labels))
    return tuple(found)


async def walk(asking: Asking, domain: str) -> Walk:
    asked = names(domain)
    answers = await asyncio.gather(
        *(asking.ask(f"_dmarc.{each}", "TXT") for each in asked)
    )
    steps: list[Step] = []
    for each, answer in zip(asked, answers, strict=True):
        steps.append(_step(each, answer))
        record = steps[-1].record
        if record is not None and record.psd in ("y", "n"):
            break
    there = [step for step in steps if step.record is not None]
    organization = _organization(there, domain)
    return Walk(
        steps=tuple(steps),
        organization=organization,
        source=_source(there, domain, organization),
    )


async def organization_of(asking: Asking, domain: str) -> str | None:
    return (await walk(asking, domain)).organization


def _step(domain: str, answer: Records) -> Step:
    texts = tuple(text for text in answer.records if is_dmarc(text))
    # RFC 9989 §4.10: more than one, and all are discarded.
    record = read(texts[0]) if len(texts) == 1 else None
    return Step(domain=domain, answer=answer, texts=texts, record=record)


def _organization(there: list[Step], domain: str) -> str | None:
    for step in there:
        if step.record is None:
            continue
        if step.record.psd == "n":
            return step.domain
        if step.record.psd == "y" and step.domain != domain:
            below = domain.removesuffix(f".{step.domain}").split(".")
            return f"{below[-1]}.{step.domain}"
    return there[-1].domain if there else None


def _source(there: list[Step], domain: str, organization: str | None) -> Step | None:
    """The domain's own record, else that of its organization, else the suffix's."""
    for wanted in (domain, organization):
        for step in there:
            if step.domain == wanted:
                return step
    suffix = [each for each in there if each.record and each.record.psd == "y"]
    return suffix[0] if suffix else None
