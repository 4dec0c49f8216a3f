"""The SPF of one sender: which domain counts, what is wrong there, what to publish."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial

from portal.deliverability import domains
from portal.deliverability.asking import Asking
from portal.deliverability.rating import ordered, worst
from portal.deliverability.spf import tree
from portal.deliverability.spf.authorising import (
    expected,
    is_wanted,
    lacking_in,
    leads_to_provider,
    missing,
)
from portal.deliverability.spf.facts import facts_of
from portal.deliverability.spf.faults import faults, is_within
from portal.deliverability.spf.lasting import mended_for_good
from portal.deliverability.spf.mending import Mended, place
from portal.deliverability.spf.merging import Change, merged_spf
from portal.deliverability.spf.publishing import published
from portal.deliverability.spf.return_path import by_alias, with_bounces, without_path
from portal.deliverability.spf.slips import as_meant
from portal.deliverability.spf.tree import Node, State
from portal.deliverability.spf.twice import at_from_domain, both
from portal.deliverability.types import Check, CheckName, Fix, Status, Subject
from portal.deliverability.unknowing import unknown

_MENDED_BY_ONE_RECORD = {
    State.MULTIPLE: "spf_multiple_records",
    State.SYNTAX: "spf_syntax_error",
}
_SAID_BY_THE_RELAY = "{include}"  # where nobody said through whom mail goes


async def check_spf(asking: Asking, subject: Subject) -> Check:
    """At the envelope domain (RFC 7208 §2.4), which is seldom that of From; at that
    too for providers that ask for it."""
    subject = domains.with_own_path(subject)
    there = at_from_domain(subject)
    if there is None:
        return await _at_envelope(asking, subject)
    return both(
        *await asyncio.gather(
            _at_envelope(asking, subject), _at_envelope(asking, there)
        )
    )


async def _at_envelope(asking: Asking, subject: Subject) -> Check:
    host = domains.envelope(subject)
    if host is None:
        return Check(
            check=CheckName.SPF,
            status=Status.INFO,
            reasons=("spf_not_required",),
            facts={"evaluated_at": expected(subject).evaluated_at},
        )
    if "{" in host:
        return await without_path(asking, subject, host)
    top = await tree.walk(asking, host)
    if top.state is State.UNKNOWN:
        return unknown(CheckName.SPF, top.answered, host)
    if top.state in _MENDED_BY_ONE_RECORD:
        reason = _MENDED_BY_ONE_RECORD[top.state]
        return await _unusable(asking, subject, top, reason, Status.FAIL)
    if top.state is State.NONE:
        return await _absent(asking, subject, top)
    check = await _judged(asking, subject, top)
    return await with_bounces(asking, subject, top.domain, check)


async def _absent(asking: Asking, subject: Subject, top: Node) -> Check:
    if expected(subject).evaluated_at == "return_path":
        return await without_path(asking, subject, top.domain)
    needed = expected(subject).required_at_from_domain
    status = Status.FAIL if needed else Status.WARN
    answer = await asking.ask(top.domain, "TXT")
    meant = {text: as_meant(text) for text in answer.records}
    top = dataclasses.replace(top, texts=tuple(filter(None, meant.values())))
    check = await _unusable(asking, subject, top, "spf_missing", status)
    found = tuple(text for text, record in meant.items() if record)
    return dataclasses.replace(check, found=found)


async def _unusable(
    asking: Asking, subject: Subject, top: Node, reason: str, status: Status
) -> Check:
    """There is no record, or none that can be evaluated: one takes its place."""
    terms = lacking_in(subject, top.texts)
    if not (terms or top.texts):
        terms = (_SAID_BY_THE_RELAY,)
    change = Change(terms=terms, ending=expected(subject).ending)
    made = Mended(
        name=place(top, top), texts=top.texts, value=merged_spf(top.texts, change)
    )
    fixes = await published(asking, subject, top, (made,))
    return Check(
        check=CheckName.SPF,
        status=status,
        reasons=(reason,),
        found=top.texts,
        expected=fixes[0].value,
        fixes=fixes,
        facts=facts_of(subject, top),
    )


async def _judged(asking: Asking, subject: Subject, top: Node) -> Check:
    lacking = await missing(asking, subject, top)
    wrong = faults(top)
    abroad = not is_within(top, top)
    if abroad and await leads_to_provider(asking, subject, top):
        # How well the provider keeps its own record is its business.
        wrong = {r: s for r, s in wrong.items() if s is not Status.WARN}
    if Status.FAIL not in wrong.values():
        wrong |= lacking.errors
    reasons = wrong | lacking.reasons
    fixes: tuple[Fix, ...] = ()
    if "spf_provider_not_authorised" in reasons and not abroad:
        fixes = await by_alias(asking, subject, top.domain)
    if reasons and not fixes:
        is_theirs = partial(is_wanted, subject)
        made = await mended_for_good(asking, top, lacking.change, is_theirs)
        fixes = await published(asking, subject, top, made)
    return Check(
        check=CheckName.SPF,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("spf_ok",),
        found=top.texts,
        expected=fixes[0].value if fixes else None,
        fixes=fixes,
        facts=facts_of(subject, top) | {"relays": lacking.relays},
    )
