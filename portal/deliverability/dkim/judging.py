"""The DKIM keys of one sender: which must be there, which are, what to publish."""

from __future__ import annotations

import asyncio
from typing import Any

from portal.deliverability import domains, patterns
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.selector import Selector, look
from portal.deliverability.fixes import fix
from portal.deliverability.rating import ordered, worst
from portal.deliverability.types import (
    Check,
    CheckName,
    DkimExpected,
    Fix,
    Status,
    Subject,
)

_ANY = DkimExpected()
MOST_SELECTORS = 10


async def check_dkim(asking: Asking, subject: Subject) -> Check | None:
    """At the signing domain. None: this provider signs for its own domains only."""
    expected = (subject.expectation and subject.expectation.dkim) or _ANY
    if not subject.selectors and (expected.record_type == "none" or subject.is_homely):
        return None
    domain = domains.signing(subject)
    wanted = (subject.selectors or expected.selectors)[:MOST_SELECTORS]
    looked = await _looked(asking, wanted, domain, expected)
    if not any(each.is_there for each in looked):
        more = tuple(each for each in expected.common if each not in wanted)
        others = await _looked(asking, more[:MOST_SELECTORS], domain, expected)
        looked = [each for each in others if each.is_there] or looked
    if not looked:
        return _selector_unknown(expected, domain)
    named = expected.all_required or bool(subject.selectors)
    fixes = await _fixes(asking, looked, expected, domain, all_named=named)
    return _check(looked, fixes, _reasons(looked, all_named=named), expected, domain)


async def _looked(
    asking: Asking, selectors: tuple[str, ...], domain: str, expected: DkimExpected
) -> list[Selector]:
    looks = (look(asking, each, domain, expected) for each in selectors)
    return list(await asyncio.gather(*looks))


def _reasons(looked: list[Selector], *, all_named: bool) -> dict[str, Status]:
    """Where one selector is enough, the others are notes; where all are asked for, a
    part is better than none. What nobody could tell is not missing."""
    there = [each for each in looked if each.is_there]
    lacking = [each for each in looked if not each.is_there]
    unknown = [each for each in lacking if each.is_unknown]
    found = {
        r: s for each in there or unknown or lacking for r, s in each.reasons.items()
    }
    if not (there and lacking and all_named):
        return found
    if len(lacking) > len(unknown):
        found = {"dkim_partial": Status.WARN} | found
    return found | {
        r: s for each in unknown for r, s in each.reasons.items() if s is Status.UNKNOWN
    }


def _check(
    looked: list[Selector],
    fixes: tuple[Fix, ...],
    reasons: dict[str, Status],
    expected: DkimExpected,
    domain: str,
) -> Check:
    return Check(
        check=CheckName.DKIM,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("dkim_ok",),
        found=tuple(text for each in looked for text in each.found),
        expected=fixes[0].value if fixes else None,
        fixes=fixes,
        facts={
            "signing_domain": domain,
            "selectors": [_as_json(each) for each in looked],
            "chosen_by": "provider" if expected.by_provider else "tenant",
        },
    )


def _selector_unknown(expected: DkimExpected, domain: str) -> Check:
    return Check(
        check=CheckName.DKIM,
        status=Status.WARN,
        reasons=("dkim_selector_unknown",),
        expected=expected.notes,
        facts={"signing_domain": domain, "pattern": expected.selector_pattern},
    )


async def _fixes(
    asking: Asking,
    looked: list[Selector],
    expected: DkimExpected,
    domain: str,
    *,
    all_named: bool,
) -> tuple[Fix, ...]:
    """Of those that are not there. A word in braces is told by the provider alone."""
    made: list[Fix] = []
    if any(each.is_there for each in looked) and not all_named:
        return ()
    for each in looked:
        if each.is_there or each.is_unknown:
            continue
        kind, value = _wanted(each.selector, expected, domain)
        made.append(await fix(asking, each.name, kind, value, _note(each, value)))
    return tuple(made)


def _note(each: Selector, value: str) -> str | None:
    if each.doubled:
        return f"It stands at {each.doubled}: the panel appends the zone by itself."
    return "The provider's console shows the value." if "{" in value else None


def _wanted(selector: str, expected: DkimExpected, domain: str) -> tuple[str, str]:
    known = expected.values.get(selector)
    if known is not None:
        return "TXT", known
    if expected.targets:
        words = {"selector": selector, "token": selector, "domain": domain}
        return "CNAME", patterns.filled(_target(selector, expected), **words)
    return "TXT", "v=DKIM1; k=rsa; p={key}"


def _target(selector: str, expected: DkimExpected) -> str:
    """Some providers have one for each selector, or number them alike."""
    places = dict(zip(expected.selectors, expected.targets, strict=False))
    if selector in places and len(expected.targets) == len(expected.selectors):
        return places[selector]
    pattern = expected.targets[-1]
    number = selector[len(selector.rstrip("0123456789")) :]
    if number and selector in expected.selectors and "{selector}" not in pattern:
        return patterns.filled(pattern, n=number)
    return pattern


def _as_json(each: Selector) -> dict[str, Any]:
    return {
        "selector": each.selector,
        "name": each.name,
        "reasons": list(each.reasons),
        "aliases": list(each.aliases),
        "doubled": each.doubled,
        "kind": each.key and each.key.kind,
        "bits": each.key and each.key.bits,
    }
