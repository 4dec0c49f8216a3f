"""The SPF of one sender: which domain counts, what is wrong there, what to publish."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from portal.deliverability import domains
from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix, merged_spf
from portal.deliverability.rating import ordered, worst
from portal.deliverability.spf import tree
from portal.deliverability.spf.authorising import expected, lacking_in, missing
from portal.deliverability.spf.faults import faults, unreachable
from portal.deliverability.spf.tree import Node, State
from portal.deliverability.spf.twice import at_from_domain, both
from portal.deliverability.types import Check, CheckName, Fix, Status, Subject
from portal.deliverability.unknowing import unknown

_MENDED_BY_ONE_RECORD = {State.MULTIPLE: "spf_multiple_records"} | {
    State.SYNTAX: "spf_syntax_error"
}
_MENDED_BY_AN_END = {
    "spf_plus_all",
    "spf_neutral_all",
    "spf_no_all",
    "spf_unreachable_terms",
}
LONGEST_TERM = 200  # characters that are told
LONGEST_RECORD = 2_000
MOST_TERMS = 20


async def check_spf(asking: Asking, subject: Subject) -> Check:
    """At the envelope domain (RFC 7208 §2.4), which is seldom that of From; at that
    too for providers that ask for it."""
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
        return await _no_return_path(asking, subject, host)
    top = await tree.walk(asking, host)
    if top.state is State.UNKNOWN:
        return unknown(CheckName.SPF, top.answered, host)
    if top.state in _MENDED_BY_ONE_RECORD:
        reason = _MENDED_BY_ONE_RECORD[top.state]
        return await _unusable(asking, subject, top, reason, Status.FAIL)
    if top.state is State.NONE:
        return await _absent(asking, subject, top)
    check = await _judged(asking, subject, top)
    return await _with_bounces(asking, subject, top, check)


async def _with_bounces(
    asking: Asking, subject: Subject, top: Node, check: Check
) -> Check:
    """A return path by MX and TXT needs both: without the MX its provider falls back
    to an envelope of its own, which does not align."""
    path = subject.expectation.return_path if subject.expectation else None
    mail = tuple(each for each in path.records if each.type == "MX") if path else ()
    if not mail or expected(subject).evaluated_at != "return_path":
        return check
    answer = await asking.ask(top.domain, "MX")
    if answer.records or answer.aliases or not answer.answered.is_known:
        return check
    lacking = [await fix(asking, top.domain, "MX", each.value) for each in mail]
    others = tuple(each for each in check.reasons if each != "spf_ok")
    return dataclasses.replace(
        check,
        status=worst((check.status, Status.WARN)),
        reasons=(*others, "spf_return_path_missing")
        if check.status is Status.FAIL
        else ("spf_return_path_missing", *others),
        fixes=(*check.fixes, *lacking),
    )


async def _absent(asking: Asking, subject: Subject, top: Node) -> Check:
    if expected(subject).evaluated_at == "return_path":
        return await _no_return_path(asking, subject, top.domain)
    needed = expected(subject).required_at_from_domain
    status = Status.FAIL if needed else Status.WARN
    return await _unusable(asking, subject, top, "spf_missing", status)


async def _no_return_path(asking: Asking, subject: Subject, host: str) -> Check:
    """Its records are the provider's: one CNAME, or MX and TXT together."""
    path = subject.expectation.return_path if subject.expectation else None
    records = path.records if path else ()
    fixes = [await fix(asking, host, each.type, each.value) for each in records]
    return Check(
        check=CheckName.SPF,
        status=Status.FAIL if path and path.required else Status.WARN,
        reasons=("spf_return_path_missing",),
        expected=" and ".join(f"{each.type} {each.value}" for each in records) or None,
        fixes=tuple(fixes),
        facts={"evaluated_at": "return_path", "host": host},
    )


async def _unusable(
    asking: Asking, subject: Subject, top: Node, reason: str, status: Status
) -> Check:
    """There is no record, or none that can be evaluated: one takes its place."""
    made = await _record(asking, top, *lacking_in(subject, top.texts))
    facts = {"evaluated_at": expected(subject).evaluated_at, "host": top.domain}
    if top.bad_term:
        facts["term"] = top.bad_term[:LONGEST_TERM]
    return Check(
        check=CheckName.SPF,
        status=status,
        reasons=(reason,),
        found=top.texts,
        expected=made.value,
        fixes=(made,),
        facts=facts,
    )


async def _judged(asking: Asking, subject: Subject, top: Node) -> Check:
    lacking = await missing(asking, subject, top)
    reasons = faults(top) | lacking.reasons
    made = None
    if lacking.terms or _is_ended_badly(reasons):
        made = await _record(asking, top, *lacking.terms)
    return Check(
        check=CheckName.SPF,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("spf_ok",),
        found=top.texts,
        expected=made.value if made else None,
        fixes=(made,) if made and made.value != top.texts[0] else (),
        facts=_facts(subject, top) | {"relays": lacking.relays},
    )


def _is_ended_badly(reasons: dict[str, Status]) -> bool:
    """By its own end, which a record in its place mends."""
    return bool(_MENDED_BY_AN_END & set(reasons))


async def _record(asking: Asking, top: Node, *terms: str) -> Fix:
    note = None
    if len(top.texts) > 1:
        note = "One record in place of all that are there."
    elif top.texts:
        note = "In place of the record that is there."
    value = merged_spf(top.texts, *terms)
    return await fix(asking, top.domain, "TXT", value, note)


def _facts(subject: Subject, top: Node) -> dict[str, Any]:
    behind = unreachable(top.parsed) if top.parsed else ()
    heaviest = max(top.children, key=lambda child: child.lookups, default=None)
    return {
        "evaluated_at": expected(subject).evaluated_at,
        "host": top.domain,
        "lookups": top.lookups,
        "void_lookups": len(top.void),
        "void": [each[:LONGEST_TERM] for each in top.void],
        "crowded": [each[:LONGEST_TERM] for each in top.crowded],
        "unreachable": [each[:LONGEST_TERM] for each in behind[:MOST_TERMS]],
        "heaviest": heaviest and heaviest.domain,
        "tree": _as_json(top),
    }


def _as_json(node: Node) -> dict[str, Any]:
    """One branch of the picture on the page."""
    return {
        "domain": node.domain,
        "term": node.term and node.term[:LONGEST_TERM],
        "state": node.state.value,
        "record": node.texts[0][:LONGEST_RECORD] if len(node.texts) == 1 else None,
        "fault": node.bad_term and node.bad_term[:LONGEST_TERM],
        "lookups": node.lookups,
        "branches": [_as_json(child) for child in node.children],
    }
