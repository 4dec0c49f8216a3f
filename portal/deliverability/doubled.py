"""Names that a DNS panel doubled: it appends the zone to a name that already has it."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.deliverability.suffixes import with_registered
from portal.net.records import Records


async def doubled(asking: Asking, name: str, domain: str) -> tuple[Records, ...]:
    """What stands at `name.domain` and, where that is another, at `name` and the
    registered domain; without what a wildcard says to every name."""
    return tuple(
        await asyncio.gather(
            *(_at(asking, name, each) for each in with_registered(domain))
        )
    )


async def is_wild(asking: Asking, answer: Records, domain: str) -> bool:
    """Whether its alias is what a wildcard says to every name."""
    told = await asyncio.gather(
        *(asking.ask(f"*.{each}", "TXT") for each in with_registered(domain))
    )
    return any(each.aliases[:1] == answer.aliases[:1] for each in told if each.aliases)


async def _at(asking: Asking, name: str, zone: str) -> Records:
    found, wild = await asyncio.gather(
        asking.ask(f"{name}.{zone}", "TXT"), asking.ask(f"*.{zone}", "TXT")
    )
    return Records(
        name=found.name,
        kind=found.kind,
        answered=found.answered,
        records=tuple(each for each in found.records if each not in wild.records),
        aliases=tuple(each for each in found.aliases if each not in wild.aliases),
    )
