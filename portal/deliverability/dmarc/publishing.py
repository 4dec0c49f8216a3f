"""Records to publish in place of policies that work with faults, or not at all."""

from __future__ import annotations

from collections.abc import Set

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.alignment import Aligned
from portal.deliverability.dmarc.mending import restored, written
from portal.deliverability.dmarc.walk import Step, Walk
from portal.deliverability.dmarc.without import why_not
from portal.deliverability.fixes import fix
from portal.deliverability.suffixes import organization
from portal.deliverability.types import Fix

_MENDED = {
    "dmarc_invalid_policy",
    "dmarc_syntax_error",
    "dmarc_no_rua",
    "dmarc_rua_invalid",
    "dmarc_rua_not_mailto",
    "dmarc_strict_alignment",
}
_IN_PLACE = "In place of the one there."


async def better(
    asking: Asking, walked: Walk, reasons: Set[str], halves: tuple[Aligned, Aligned]
) -> tuple[Fix, ...]:
    """Only what makes records themselves work; a stricter policy is a person's choice.
    `halves` are the signature and the envelope."""
    first, step = walked.steps[0], walked.source
    made = [] if first is step else await _at_domain(asking, first)
    ours = step is not None and organization(step.domain) is not None
    if step is None or step.record is None or not (ours and _MENDED & reasons):
        return tuple(made)
    strict = zip(("adkim", "aspf"), halves, strict=True)
    loose = [tag for tag, half in strict if half.holds(strictly=False)]
    without = loose if "dmarc_strict_alignment" in reasons else []
    value = written(restored(step.record.text), step.domain, without=without)
    note = step.in_place(_IN_PLACE)
    return (*made, await fix(asking, step.name, "TXT", value, note))


async def _at_domain(asking: Asking, first: Step) -> list[Fix]:
    """What the domain itself publishes, and a receiver passes over."""
    why = why_not(first)
    if why is None or why.name is None or why.value is None:
        return []
    return [await fix(asking, why.name, "TXT", why.value, why.note)]
