"""The DKIM keys of one sender: which must be there, which are, what to publish."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from portal.deliverability import domains
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.publishing import asked_for, fixes
from portal.deliverability.dkim.selector import Selector, look
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
MOST_SEARCHED = 3  # a panel that doubles one name doubles all


async def check_dkim(asking: Asking, subject: Subject) -> Check | None:
    """At the signing domain. None: this provider signs for its own domains only."""
    expected = subject.dkim or _ANY
    if not subject.selectors and (expected.record_type == "none" or subject.is_homely):
        return None
    domain = domains.signing(subject)
    wanted = (subject.selectors or expected.selectors)[:MOST_SELECTORS]
    looked = await _looked(asking, wanted, domain, expected, MOST_SEARCHED)
    if not subject.selectors and all(map(_is_plainly_missing, looked)):
        # Of an older set-up, or chosen by the tenant; whoever told one means that one.
        more = tuple(each for each in expected.common if each not in wanted)
        others = await _looked(asking, more[:MOST_SELECTORS], domain, expected, 0)
        looked = [each for each in others if each.is_there] or looked
    if not looked:
        return _selector_unknown(expected, domain)
    named = expected.all_required or not all(_is_theirs(s, expected) for s in wanted)
    made = await fixes(asking, looked, expected, domain, all_named=named)
    return _check(looked, made, _reasons(looked, all_named=named), expected, domain)


def _is_theirs(selector: str, expected: DkimExpected) -> bool:
    """Of a provider's own pair one is enough, the other is for its next key."""
    pattern = expected.selector_pattern
    told = pattern is not None and re.search(pattern, selector) is not None
    return told or selector in expected.selectors


def _is_plainly_missing(each: Selector) -> bool:
    return set(each.reasons) == {"dkim_missing"}


async def _looked(
    asking: Asking,
    selectors: tuple[str, ...],
    domain: str,
    expected: DkimExpected,
    searched: int,
) -> list[Selector]:
    """The first `searched` of them also where a panel may have put them."""
    looks = (
        look(asking, each, domain, expected, everywhere=at < searched)
        for at, each in enumerate(selectors)
    )
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
    made: tuple[Fix, ...],
    reasons: dict[str, Status],
    expected: DkimExpected,
    domain: str,
) -> Check:
    return Check(
        check=CheckName.DKIM,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("dkim_ok",),
        found=tuple(text for each in looked for text in _found(each)),
        expected=made[0].value if made else None,
        fixes=made,
        facts={
            "signing_domain": domain,
            "usable": any(each.is_there for each in looked),
            "selectors": [_as_json(each) for each in looked],
            "chosen_by": "provider" if expected.by_provider else "tenant",
        },
    )


def _selector_unknown(expected: DkimExpected, domain: str) -> Check:
    return Check(
        check=CheckName.DKIM,
        status=Status.WARN,
        reasons=("dkim_selector_unknown",),
        expected=asked_for(expected, domain),
        facts={"signing_domain": domain, "pattern": expected.selector_pattern},
    )


def _found(each: Selector) -> tuple[str, ...]:
    """The key, and the alias that leads to none or elsewhere."""
    lost = not each.found or "dkim_cname_wrong_target" in each.reasons
    return (*(f"CNAME {name}" for name in each.aliases[:1] if lost), *each.found)


def _as_json(each: Selector) -> dict[str, Any]:
    return {
        "selector": each.selector,
        "name": each.name,
        "reasons": list(each.reasons),
        "aliases": list(each.aliases),
        "doubled": each.doubled and each.doubled.name,
        "kind": each.key and each.key.kind,
        "bits": each.key and each.key.bits,
    }
