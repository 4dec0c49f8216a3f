"""A logo beside the mail (BIMI draft): asks for a strict policy first."""

from __future__ import annotations

import dataclasses

from portal.deliverability.asking import Asking
from portal.deliverability.tags import BadTags, tags
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown


async def check_bimi(asking: Asking, subject: Subject, dmarc: Check) -> Check:
    name = f"default._bimi.{subject.domain}"
    answer = await asking.ask(name, "TXT")
    if not answer.answered.is_known:
        return unknown(CheckName.BIMI, answer.answered, name)
    texts = tuple(text for text in answer.records if text.lower().startswith("v=bimi1"))
    logo = _logo(texts[0])[:500] if texts else ""
    if not texts or (len(texts) == 1 and not logo):  # an empty l= declines
        return Check(check=CheckName.BIMI, status=Status.INFO, reasons=("bimi_absent",))
    if dmarc.status is Status.UNKNOWN:
        return dataclasses.replace(dmarc, check=CheckName.BIMI, found=texts)
    enforced = dmarc.facts.get("effective_policy") in ("quarantine", "reject")
    enforced = enforced and "dmarc_pct_partial" not in dmarc.reasons
    fine = enforced and logo.lower().startswith("https://")
    return Check(
        check=CheckName.BIMI,
        status=Status.PASS if fine else Status.WARN,
        reasons=("bimi_ok" if fine else "bimi_needs_enforcement",),
        found=texts,
        facts={"logo": logo, "enforced": enforced},
    )


def _logo(text: str) -> str:
    """Where the SVG is; never fetched."""
    try:
        return tags(text).get("l", "")
    except BadTags:
        return ""
