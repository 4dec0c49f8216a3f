"""A logo beside the mail (BIMI draft): asks for a strict policy first."""

from __future__ import annotations

import asyncio
import dataclasses
import re

from portal.deliverability.asking import Asking
from portal.deliverability.suffixes import registered
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.net.records import Records
from portal.tags import BadTags, tags

_OTHER_PICTURE = re.compile(r"\.(png|jpe?g|gif|webp|ico|bmp|pdf)([?#]|$)")


async def look(asking: Asking, subject: Subject) -> Records:
    """At the From domain, else at its organization (draft-brand-indicators §7.2)."""
    names = (subject.domain, registered(subject.domain))
    own, above = await asyncio.gather(
        *(asking.ask(f"default._bimi.{each}", "TXT") for each in names)
    )
    return own if _texts(own) or not own.answered.is_known else above


async def check_bimi(asking: Asking, subject: Subject, dmarc: Check) -> Check:
    answer = await look(asking, subject)
    if not answer.answered.is_known:
        return unknown(CheckName.BIMI, answer.answered, answer.name)
    texts = _texts(answer)
    # Several count as none, and an empty l= declines.
    logo = _logo(texts[0])[:500] if len(texts) == 1 else ""
    if not logo:
        return Check(
            check=CheckName.BIMI,
            status=Status.INFO,
            reasons=("bimi_absent",),
            found=texts if len(texts) > 1 else (),
        )
    if dmarc.status is Status.UNKNOWN and "effective_policy" not in dmarc.facts:
        return dataclasses.replace(dmarc, check=CheckName.BIMI, found=texts)
    policy = dmarc.facts.get("effective_policy")
    below = dmarc.facts.get("subdomain_policy", policy)  # sp=none shows none either
    enforced = {policy, below} <= {"quarantine", "reject"}
    enforced = enforced and "dmarc_pct_partial" not in dmarc.reasons
    fine = enforced and _may_be_shown(logo)
    return Check(
        check=CheckName.BIMI,
        status=Status.PASS if fine else Status.WARN,
        reasons=("bimi_ok" if fine else "bimi_needs_enforcement",),
        found=texts,
        facts={"logo": logo, "enforced": enforced},
    )


def _texts(answer: Records) -> tuple[str, ...]:
    return tuple(text for text in answer.records if text.lower().startswith("v=bimi1"))


def _may_be_shown(logo: str) -> bool:
    """By https, and no picture of another kind than SVG, as far as its name tells."""
    scheme, _, place = logo.lower().partition("://")
    return scheme == "https" and not _OTHER_PICTURE.search(place)


def _logo(text: str) -> str:
    """Where the SVG is; never fetched."""
    try:
        return tags(text).get("l", "")
    except BadTags:
        return ""
