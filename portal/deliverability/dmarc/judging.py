"""The policy that holds for a From domain, its faults, and whether the mail meets it."""

from __future__ import annotations

import asyncio
from typing import Any

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc import older
from portal.deliverability.dmarc.alignment import (
    Aligned,
    by_envelope,
    by_signature,
    either,
    unasked,
    unpublished,
    verdict,
)
from portal.deliverability.dmarc.mending import reports_to
from portal.deliverability.dmarc.publishing import better
from portal.deliverability.dmarc.record import Dmarc, Policy, one_lower
from portal.deliverability.dmarc.reports import Reports, are_wanted, reports
from portal.deliverability.dmarc.walk import Step, Walk, walk
from portal.deliverability.dmarc.without import why_none, why_not
from portal.deliverability.fixes import fix
from portal.deliverability.rating import ordered, worst
from portal.deliverability.suffixes import organization, registered
from portal.deliverability.types import Check, CheckName, Status, Subject
from portal.deliverability.unknowing import unknown
from portal.net.records import Answered


async def ahead(asking: Asking, subject: Subject) -> None:
    """Asks for all that `check_dmarc` will ask for, while SPF and DKIM are looked at."""
    walked = await walk(asking, subject.domain)
    if walked.source is None or walked.source.record is None:
        if walked.unknown is None:
            await why_none(asking, subject, walked)
        return
    await asyncio.gather(
        older.older_view(asking, subject.domain), _reported(asking, walked.source)
    )


async def check_dmarc(
    asking: Asking, subject: Subject, spf: Check, dkim: Check | None
) -> Check:
    """After SPF and DKIM: alignment needs one of the two (RFC 9989 §4.4)."""
    if subject.somebody_elses:
        return _somebody_elses()
    walked = await walk(asking, subject.domain)
    if walked.unknown is not None:
        return unknown(CheckName.DMARC, walked.unknown.answered, walked.unknown.name)
    if walked.source is None or walked.source.record is None:
        further = await unpublished(asking, subject, spf, dkim)
        return await _without(asking, subject, walked, further)
    record, step = walked.source.record, walked.source
    exists = await asking.ask(subject.domain, "TXT")
    policy = _policy(record, step.domain, subject, exists.answered)
    signature = await by_signature(asking, subject, dkim)
    envelope = await by_envelope(asking, subject, spf)
    reported = await _reported(asking, step)
    reasons = (
        verdict(record, signature, envelope, subject)
        | _of_tags(record)
        | _of_policy(record, policy)
        | _below(walked, step)
        | reported.reasons
    )
    inherited = step.domain != subject.domain
    fine = "dmarc_inherited" if inherited else "dmarc_ok"
    made = await better(asking, walked, set(reasons), (signature, envelope))
    return Check(
        check=CheckName.DMARC,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or (fine,),
        found=step.texts,
        expected=made[-1].value if made else None,
        fixes=(*made, *reported.agreements),
        facts=await _facts(asking, subject, walked, policy, (signature, envelope))
        | _of_halves(record, signature, envelope, reported),
    )


def _of_halves(
    record: Dmarc, signature: Aligned, envelope: Aligned, reported: Reports
) -> dict[str, Any]:
    """`name` is what nobody told about."""
    open_ = unasked(record, signature, envelope)
    aligned = {
        "dkim": signature.holds(strictly=record.is_strict_dkim),
        "spf": envelope.holds(strictly=record.is_strict_spf),
    }
    decided = True in aligned.values()
    name = open_[0].domain if open_ and not decided else reported.unasked
    return {"aligned": aligned} | ({"name": name} if name else {})


async def _reported(asking: Asking, step: Step) -> Reports:
    """The reports of a public suffix are its registry's business."""
    if step.record is None or organization(step.domain) is None:
        return Reports(reasons={})
    return await reports(asking, step.record, step.domain)


def _somebody_elses() -> Check:
    """Those who run free mail let others reject or quarantine what they did not sign;
    their policy is not the tenant's to change."""
    return Check(
        check=CheckName.DMARC,
        status=Status.FAIL,
        reasons=("dmarc_not_aligned",),
        expected="A From address of a domain of your own",
        facts={"aligned": {"dkim": False, "spf": False}, "somebody_elses": True},
    )


def _below(walked: Walk, source: Step) -> dict[str, Status]:
    """Records of the domain itself that do not count, while one above them does."""
    why = None if walked.steps[0] is source else why_not(walked.steps[0])
    if why is None:
        return {}
    several = why.reason == "dmarc_multiple_records"
    return {why.reason: Status.FAIL if several else Status.WARN}


def _policy(record: Dmarc, source: str, subject: Subject, answered: Answered) -> Policy:
    """RFC 9989 §4.7: p at the domain itself, sp below it, np where nothing is."""
    if source == subject.domain:
        return record.policy
    if answered is Answered.NXDOMAIN:
        return record.for_absent
    return record.for_subdomains


def _of_tags(record: Dmarc) -> dict[str, Status]:
    reasons = {}
    if not record.has_policy:
        # RFC 9989 §4.10.1: no policy at all, unless reports are asked for.
        status = Status.WARN if are_wanted(record) else Status.FAIL
        reasons["dmarc_invalid_policy"] = status
    if record.twice:
        reasons["dmarc_syntax_error"] = Status.FAIL
    elif len(record.broken) > record.unsound.count("p"):
        reasons["dmarc_syntax_error"] = Status.WARN
    return reasons


def _of_policy(record: Dmarc, policy: Policy) -> dict[str, Status]:
    reasons = {}
    if policy == "none" and record.policy != "none":
        reasons["dmarc_subdomain_policy_none"] = Status.WARN
    elif policy == "none" and record.has_policy:
        reasons["dmarc_policy_none"] = Status.WARN
    if record.is_test:
        reasons["dmarc_test_mode"] = Status.WARN
    if record.pct < 100:
        reasons["dmarc_pct_partial"] = Status.WARN
    return reasons


async def _facts(
    asking: Asking,
    subject: Subject,
    walked: Walk,
    policy: Policy,
    halves: tuple[Aligned, Aligned],
) -> dict[str, Any]:
    source = walked.source
    record = source.record if source else None
    effective = one_lower(policy) if record and record.is_test else policy
    return {
        "policy": policy,
        "effective_policy": effective,
        "subdomain_policy": record and record.for_subdomains,
        "source": source and source.name,
        "organization": walked.organization,
        "rfc7489": await _before(asking, subject, source, effective, halves),
    }


async def _before(
    asking: Asking,
    subject: Subject,
    source: Step | None,
    effective: Policy,
    halves: tuple[Aligned, Aligned],
) -> dict[str, Any] | None:
    """What older receivers see, where it differs: they know neither t= nor np= nor the
    walk, and still go by pct=."""
    before = await older.older_view(asking, subject.domain)
    now = source.record if source else None
    aligns = either(now, *halves) if now else None
    did = either(before.record, *halves, older=True) if before.record else None
    same = before.policy == effective and before.source == (source and source.domain)
    if same and did == aligns and not (now and now.pct < 100):
        return None
    return {
        "policy": before.policy,
        "organization": before.organization,
        "pct": before.record.pct if before.record else 100,
        "aligned": did,
    }


async def _without(
    asking: Asking, subject: Subject, walked: Walk, further: tuple[str, ...]
) -> Check:
    domain = registered(subject.domain)
    why = await why_none(asking, subject, walked)
    value = why.value or f"v=DMARC1; p=none; rua={reports_to(domain)}"
    name = why.name or f"_dmarc.{domain}"
    return Check(
        check=CheckName.DMARC,
        status=Status.FAIL,
        reasons=(why.reason, *further),
        found=why.found,
        expected=value,
        fixes=(await fix(asking, name, "TXT", value, why.note),),
        facts={"organization": domain},
    )
