"""What to publish for keys that are not in order: the provider's record, or the one
that is there without its faults."""

from __future__ import annotations

from portal.deliverability import patterns
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.mending import mended
from portal.deliverability.dkim.selector import Selector, filled, target
from portal.deliverability.fixes import fix
from portal.deliverability.types import DkimExpected, Fix

_CONSOLE = "The provider's console shows the value."
_SIGNER = "Whoever signs shows the value: the provider's console, or your own relay."
_EITHER = "This or a TXT record with the key: the provider's console shows which."
_ALIKE = "As the other selector has it; compare it with the provider's console."
_SURE = "The one there leads to a key: change it if the provider's console agrees."
_ALONE = "Nothing else may stand at this name."


async def fixes(
    asking: Asking,
    looked: list[Selector],
    expected: DkimExpected,
    domain: str,
    *,
    all_named: bool,
) -> tuple[Fix, ...]:
    """A word in braces is told by the provider alone. None for what is published as it
    should be and broken behind an alias: that is mended at the provider."""
    # Where one is enough, one that nobody could tell about may be the one.
    enough = not all_named and any(each.is_there or each.is_unknown for each in looked)
    others = _as_the_others(looked, expected, domain)
    made: list[Fix] = []
    for each in looked:
        if not (_is_poor(each) if each.is_there else _is_lacking(each, enough)):
            continue
        kind, value, note = _wanted(each, expected, domain, others)
        if value not in each.aliases[:1]:
            made.append(await fix(asking, each.name, kind, value, note))
    return tuple(made)


def _is_lacking(each: Selector, enough: bool) -> bool:
    return not (enough or each.is_unknown)


def _is_poor(each: Selector) -> bool:
    """Usable, and yet to be written otherwise."""
    testing = "dkim_test_mode" in each.reasons and not each.aliases
    return testing or "dkim_cname_wrong_target" in each.reasons


def _as_the_others(
    looked: list[Selector], expected: DkimExpected, domain: str
) -> tuple[str | None, dict[str, str]]:
    """The pattern that a sound alias follows, and what the console told for it."""
    for each in looked:
        for pattern in (*reversed(expected.targets), *expected.accept):
            wanted = filled(pattern, each.selector, domain)
            for alias in each.aliases[:1] if each.is_there else ():
                words = patterns.told(alias, wanted)
                if words is not None:
                    return pattern, words
    return None, {}


def asked_for(expected: DkimExpected, domain: str) -> str:
    """The form of its records, where nobody knows a selector."""
    kind = expected.record_type.replace("_", " ")
    value = expected.targets[-1] if expected.targets else expected.value
    name = patterns.filled(expected.name_pattern, domain=domain)
    return f"{kind} {patterns.filled(value, domain=domain)} at {name}"


def _wanted(
    each: Selector,
    expected: DkimExpected,
    domain: str,
    others: tuple[str | None, dict[str, str]],
) -> tuple[str, str, str | None]:
    """Type, value and note."""
    known = expected.values.get(each.selector)
    meant = None if known or each.aliases else mended(_texts(each))
    if known or meant:
        return "TXT", known or meant or "", _note(each, None)
    if not expected.targets:
        return "TXT", expected.value, _note(each, _SIGNER)
    pattern, words = others
    value = target(pattern or expected.targets[-1], each.selector, expected, domain)
    told = patterns.filled(value, **words)
    moved = each.doubled.aliases[:1] if each.doubled else ()
    if moved and patterns.fits(moved[0], value):
        return "CNAME", moved[0], _note(each, None)
    if "{" in told:
        either = expected.record_type == "CNAME_or_TXT"
        return "CNAME", value, _note(each, _EITHER if either else _CONSOLE)
    return "CNAME", told, _note(each, None if told == value else _ALIKE)


def _texts(each: Selector) -> tuple[str, ...]:
    """What somebody published for it, there or where a panel put it."""
    if each.doubled is None:
        return each.found
    return () if each.doubled.aliases else each.doubled.records


def _note(each: Selector, source: str | None) -> str | None:
    if each.doubled:
        there = each.doubled.name
        return f"It stands at {there}: the panel appends the zone by itself."
    if each.is_there and each.aliases:
        return _SURE
    alone = _ALONE if each.found or each.aliases else None
    return " ".join(filter(None, (source, alone))) or None
