"""One selector: what its name answers, through whatever aliases."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.deliverability import patterns
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.key import Key, is_key, public_part, read
from portal.deliverability.doubled import doubled, is_wild
from portal.deliverability.types import DkimExpected, Status
from portal.deliverability.unknowing import reason_of
from portal.net.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """`name` is where the key belongs, `found` what stands there."""

    selector: str
    name: str
    reasons: dict[str, Status] = field(default_factory=dict)
    found: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    key: Key | None = None
    doubled: Records | None = None  # where it stands instead

    @property
    def is_there(self) -> bool:
        """A verifier can use it."""
        return self.key is not None and Status.FAIL not in self.reasons.values()

    @property
    def is_unknown(self) -> bool:
        return Status.UNKNOWN in self.reasons.values()


async def look(
    asking: Asking,
    selector: str,
    domain: str,
    expected: DkimExpected,
    *,
    everywhere: bool,
) -> Selector:
    name = filled(expected.name_pattern, selector, domain)
    answer = await asking.ask(name, "TXT")
    keys = tuple(text for text in answer.records if is_key(text))
    # RFC 6376 §3.6.2.2: one record at the name, whatever the others say.
    key = read(keys[0]) if len(answer.records) == 1 and keys else None
    elsewhere: Records | None = None
    if not answer.answered.is_known:
        reasons = {reason_of(answer.answered): Status.UNKNOWN}
    elif not answer.records:
        reason, elsewhere = _told(answer), None
        if everywhere:
            reason, elsewhere = await _why_absent(asking, answer, name, domain)
        reasons = {reason: Status.FAIL}
    elif not keys:
        reasons = {"dkim_not_a_key": Status.FAIL}
    elif key is None:
        reasons = {"dkim_multiple_records": Status.FAIL}
    else:
        reasons = key.reasons | _target(answer, selector, domain, expected)
        reasons |= _another(keys[0], expected.values.get(selector))
    return Selector(
        selector=selector,
        name=name,
        reasons=reasons,
        found=answer.records,
        aliases=answer.aliases,
        key=key,
        doubled=elsewhere,
    )


def filled(pattern: str, selector: str, domain: str) -> str:
    """What follows from the two; the provider's own words stay in braces."""
    return patterns.filled(pattern, selector=selector, token=selector, domain=domain)


def target(pattern: str, selector: str, expected: DkimExpected, domain: str) -> str:
    """Where its alias leads: some providers have one for each of their selectors, or
    number them alike."""
    chosen = "{selector}" in pattern or "{token}" in pattern
    if chosen or selector not in expected.selectors or pattern in expected.accept:
        return filled(pattern, selector, domain)
    if len(expected.targets) == len(expected.selectors):
        pattern = expected.targets[expected.selectors.index(selector)]
    number = selector[len(selector.rstrip("0123456789")) :]
    words = {"n": number} if number else {}
    return patterns.filled(filled(pattern, selector, domain), **words)


def _told(answer: Records) -> str:
    return "dkim_cname_dangling" if answer.aliases else "dkim_missing"


async def _why_absent(
    asking: Asking, answer: Records, name: str, domain: str
) -> tuple[str, Records | None]:
    if answer.aliases and not await is_wild(asking, answer, domain):
        return _told(answer), None
    for elsewhere in await doubled(asking, name, domain):
        if elsewhere.aliases or any(map(is_key, elsewhere.records)):
            return "dkim_name_doubled", elsewhere
    return "dkim_missing", None


def _target(
    answer: Records, selector: str, domain: str, expected: DkimExpected
) -> dict[str, Status]:
    """Whose alias it is; a key of one's own in its place is judged as a key."""
    if not answer.aliases or not expected.targets:
        return {}
    known = (*expected.targets, *expected.accept)
    wanted = [target(each, selector, expected, domain) for each in known]
    if any(patterns.fits(name, each) for name in answer.aliases for each in wanted):
        return {}
    return {"dkim_cname_wrong_target": Status.WARN}


def _another(text: str, known: str | None) -> dict[str, Status]:
    """The key of a signer that we know is the only one that verifies its mail."""
    if known is None or public_part(text) == public_part(known):
        return {}
    return {"dkim_invalid_key": Status.FAIL}
