"""Records that give an address of an own relay a name that leads back to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from portal.deliverability.asking import Asking
from portal.deliverability.domains import signing
from portal.deliverability.fixes import fix
from portal.deliverability.relay_ip import Named, has, is_generic, kind_of
from portal.deliverability.suffixes import organization
from portal.deliverability.types import Fix, Status, Subject
from portal.net.records import Records

MOST_HOSTS = 2  # of a kind: for mail to the domain, where mail may well leave, too
_WHO = "Whoever gives you the address sets it; the name must lead back to it."
_NEW = "{} Take one that has the {} record {}."
_BACK = "So that the name of the address leads back to it."


async def records_for(
    asking: Asking, subject: Subject, judged: Sequence[Named]
) -> tuple[Fix, ...]:
    """For those whose names are known and will not do; of the others each name may be
    that of the same host."""
    poor = [each for each in judged if each.reasons and each.is_known]
    fine = [name for each in judged if not each.reasons for name in each.names]
    found = await asyncio.gather(
        *(_records(asking, subject, each, fine) for each in poor)
    )
    return tuple(dict.fromkeys(each for fixes in found for each in fixes))


async def _records(
    asking: Asking, subject: Subject, named: Named, fine: Sequence[str]
) -> list[Fix]:
    """A host that has the address already is the best name; else one that has none of
    its kind and may get it. To one that has others nothing is added: mail that comes
    in may follow them."""
    kind = kind_of(named.ip)
    given = (*named.names, subject.helo, subject.relay_host, *fine[:MOST_HOSTS])
    told = list(dict.fromkeys(name for name in given if name))
    mail = await asking.ask(subject.domain, "MX")
    hosts = [each.rpartition(" ")[2] for each in mail.records][:MOST_HOSTS]
    asked = [each for each in dict.fromkeys([*told, *hosts]) if _is_name(each, named)]
    answers = await asyncio.gather(*(asking.ask(host, kind) for host in asked))
    by_host = dict(zip(asked, answers, strict=True))
    for host, answer in by_host.items():
        if has(answer, named.ip):
            return [_ptr(named, host)]
    for host in filter(by_host.__contains__, told):
        place = _free(subject, host, by_host[host])
        if place is not None:
            back = await fix(asking, place, kind, str(named.ip), _BACK)
            return [back] if host in named.names else [_ptr(named, host), back]
    if Status.FAIL not in named.reasons.values():
        return []
    for host in filter(by_host.__contains__, told):
        if not by_host[host].answered.is_known:
            return [_ptr(named, host)]
    note = _NEW.format(_WHO, kind, named.ip)
    return [_ptr(named, f"{{mail host}}.{subject.domain}", note)]


def _is_name(host: str, named: Named) -> bool:
    """Not an address, nor made of one."""
    with suppress(ValueError):
        return not ip_address(host.strip("[]"))
    return "." in host.strip(".") and not is_generic(host, named.ip)


def _free(subject: Subject, host: str, answer: Records) -> str | None:
    """Where the tenant can publish the address of a host that has none."""
    place = answer.aliases[-1] if answer.aliases else host
    own = {organization(subject.domain), organization(signing(subject))}
    is_bare = answer.answered.is_known and not answer.records
    return place if is_bare and organization(place) in own - {None} else None


def _ptr(named: Named, host: str, note: str = _WHO) -> Fix:
    return Fix(name=named.place, host=named.place, type="PTR", value=host, note=note)
