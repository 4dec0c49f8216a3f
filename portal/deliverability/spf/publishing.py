"""Mended records of an SPF tree, as they are typed into a DNS panel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from portal.deliverability.asking import Asking
from portal.deliverability.fixes import fix, place_of
from portal.deliverability.spf.authorising import expected, leads_to_provider
from portal.deliverability.spf.faults import is_within
from portal.deliverability.spf.mending import Mended
from portal.deliverability.spf.slips import unread
from portal.deliverability.spf.tree import Node
from portal.deliverability.types import Fix, Record, Subject

MOST = 6  # names
MOST_LOST = 3
LONGEST_LOST = 60  # characters


async def published(
    asking: Asking, subject: Subject, top: Node, made: tuple[Mended, ...]
) -> tuple[Fix, ...]:
    """An alias into somebody else's zone cannot have a text beside it (RFC 1034
    §3.6.2): the provider's own alias takes its place, where it has one."""
    if not made or is_within(top, top):
        return tuple(await asyncio.gather(*(_one(asking, m) for m in made[:MOST])))
    if await leads_to_provider(asking, subject, top):
        return ()
    records = _of_return_path(subject)
    if records:
        note = f"In place of the alias to {top.home}."
        return tuple(
            [
                await fix(asking, top.domain, each.type, each.value, note)
                for each in records
            ]
        )
    name, beside = place_of(top.domain, top.home)
    return (await fix(asking, name, "TXT", made[0].value, beside),)


async def _one(asking: Asking, made: Mended) -> Fix:
    return await fix(
        asking, made.name, "TXT", made.value, " ".join(_told(made)) or None
    )


def _told(made: Mended) -> Iterator[str]:
    if len(made.texts) > 1:
        yield "One record in place of all that are there."
    elif made.texts:
        yield "In place of the record that is there."
    lost = dict.fromkeys(term for text in made.texts for term in unread(text))
    if lost:
        terms = "”, “".join(term[:LONGEST_LOST] for term in list(lost)[:MOST_LOST])
        yield f"Left out, as nobody can read it: “{terms}”."
    if made.is_costly:
        yield (
            "More than 10 look-ups: leave out the terms of services that send no mail "
            "for you any more."
        )


def _of_return_path(subject: Subject) -> tuple[Record, ...]:
    path = subject.usual_path
    if path is None or expected(subject).evaluated_at != "return_path":
        return ()
    return path.records
