"""Names that a DNS panel doubled: it appends the zone to a name that already has it."""

from __future__ import annotations

import asyncio

from portal.deliverability.asking import Asking
from portal.net.records import Records


async def doubled(asking: Asking, name: str, domain: str) -> Records:
    """What stands at `name.domain`, without what a wildcard says to every name."""
    found, wild = await asyncio.gather(
        asking.ask(f"{name}.{domain}", "TXT"), asking.ask(f"*.{domain}", "TXT")
    )
    texts = tuple(text for text in found.records if text not in wild.records)
    return Records(
        name=found.name,
        kind=found.kind,
        answered=found.answered,
        records=texts,
        aliases=tuple(each for each in found.aliases if each not in wild.aliases),
    )
