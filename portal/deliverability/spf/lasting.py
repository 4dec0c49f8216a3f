"""Mended records, looked at as if they were published: once has to be enough.

What stood behind `all` may lead to nothing, or ask too much of receivers.
"""

from __future__ import annotations

from dataclasses import replace

from portal.deliverability.asking import Asking
from portal.deliverability.spf import tree
from portal.deliverability.spf.faults import ENDS, faults
from portal.deliverability.spf.mending import IsWanted, Mended, mended
from portal.deliverability.spf.merging import NOTHING, Change
from portal.deliverability.spf.slips import unread
from portal.deliverability.spf.tree import Node

MOST_ROUNDS = 3
_TOO_MUCH = "spf_too_many_lookups"
_BEHIND_ALL = "spf_unreachable_terms"


async def mended_for_good(
    asking: Asking, top: Node, change: Change, is_wanted: IsWanted
) -> tuple[Mended, ...]:
    """`mended`; where that needs more look-ups than there may be, without the terms
    behind `all`, and the sender's own in front of the others."""
    wrong = faults(top)
    is_ended = not ENDS & set(wrong)
    made = mended(top, change, is_wanted, is_ended=is_ended)
    lasts, node = await _settled(asking, top, made, is_wanted)
    if _TOO_MUCH in wrong or _TOO_MUCH not in faults(node):
        return lasts
    change = replace(change, first=True)
    made = mended(top, change, is_wanted, is_ended=is_ended, ends_at_all=True)
    lasts, node = await _settled(asking, top, made, is_wanted)
    is_costly = _TOO_MUCH in faults(node)
    return tuple(replace(each, is_costly=is_costly) for each in lasts)


async def _settled(
    asking: Asking, top: Node, made: tuple[Mended, ...], is_wanted: IsWanted
) -> tuple[tuple[Mended, ...], Node]:
    node = top
    for _ in range(MOST_ROUNDS):
        if not made or any(unread(each.value) for each in made):
            break  # the provider's console says the rest
        instead = {each.name: each.value for each in made}
        node = await tree.walk(asking, top.domain, instead)
        if _BEHIND_ALL not in faults(top):
            break
        is_ended = not ENDS & set(faults(node))
        more = mended(node, NOTHING, is_wanted, is_ended=is_ended)
        if not more:
            break
        made = _together(made, more)
    return made, node


def _together(made: tuple[Mended, ...], more: tuple[Mended, ...]) -> tuple[Mended, ...]:
    """`more` stand in place of those of the same name."""
    texts = {each.name: each.texts for each in made}
    later = (replace(m, texts=texts.get(m.name, m.texts)) for m in more)
    return tuple({each.name: each for each in (*made, *later)}.values())
