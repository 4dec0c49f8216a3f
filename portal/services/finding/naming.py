"""Which hosts may be the relay of an address: the catalogue, the DNS, usual names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

from portal.address import BadAddress, parse_host, parse_mailbox
from portal.delivery.types import Security
from portal.errors import Invalid
from portal.net.records import Dns
from portal.net.types import Net
from portal.providers import mailboxes
from portal.providers.catalogue import Catalogue
from portal.services.finding import autoconfig
from portal.services.finding.types import Asked, Door, Lead, Leads, Source

NAMES_S = 2.5
MOST_HOSTS = 4
_MOST_OF_SRV = 2
_SERVICES = (  # RFC 8314 §5.1 before RFC 6186 §3.1
    ("_submissions._tcp", Security.TLS),
    ("_submission._tcp", Security.STARTTLS),
)
_NAMES = ("smtp", "mail")


def parse_asked(text: str) -> Asked:
    """An address, a domain or a host. Raises Invalid that names `asked`."""
    text = text.strip()
    try:
        if "@" in text:
            mailbox = parse_mailbox(text)
            return Asked(domain=mailbox.domain, address=str(mailbox))
        host = parse_host(text)
    except BadAddress as error:
        raise Invalid("asked", str(error)) from None
    return Asked(domain=host, host=host)


async def leads(
    asked: Asked,
    dns: Dns | None,
    https: Net | None,
    catalogue: Catalogue,
    *,
    most_of_others: int = MOST_HOSTS,
    timeout_s: float = NAMES_S,
) -> Leads:
    """Where to look, the best first, after `timeout_s` at the latest.

    Without `dns` or `https` that source is left out. `most_of_others` are the hosts
    that are neither beneath the domain nor of a provider that we know.
    """
    services, exchangers, documents = await asyncio.gather(
        _in_time(_services(asked, dns), timeout_s),
        _in_time(_exchangers(asked, dns), timeout_s),
        _in_time(_documents(asked, https, timeout_s), timeout_s),
    )
    provider = _provider(asked, (each.host for each in exchangers), catalogue)
    found = [
        *_asked_for(asked),
        *_of_provider(asked, provider, catalogue),
        *services,
        *documents,
        *_named(asked),
        *(exchangers[:1] if provider is None else ()),
    ]
    return _chosen(asked, found, provider, catalogue, most_of_others)


def _asked_for(asked: Asked) -> tuple[Lead, ...]:
    return (Lead(host=asked.host, source=Source.ASKED),) if asked.host else ()


def _named(asked: Asked) -> tuple[Lead, ...]:
    """`smtp.` and `mail.` before a domain whose relay nobody knows."""
    if asked.is_literal or mailboxes.home_of(asked.domain):
        return ()
    return tuple(
        Lead(host=f"{name}.{asked.domain}", source=Source.NAME) for name in _NAMES
    )


def _provider(
    asked: Asked, exchangers: Iterable[str], catalogue: Catalogue
) -> str | None:
    known = catalogue.by_host(asked.host) if asked.host else None
    if known is not None:
        return known.id
    home = mailboxes.home_of(asked.domain)
    behind = (mailboxes.behind(each) for each in exchangers)
    return home or next((each for each in behind if each), None)


def _of_provider(
    asked: Asked, provider_id: str | None, catalogue: Catalogue
) -> tuple[Lead, ...]:
    provider = catalogue.get(provider_id) if provider_id else None
    host = provider.host_beneath(asked.domain) if provider else None
    if provider is None or host is None:
        return ()
    doors = tuple(
        Door(each.port, Security(each.security))
        for each in sorted(provider.ports, key=lambda each: not each.recommended)
    )
    return (Lead(host=host, source=Source.CATALOGUE, doors=doors),)


async def _services(asked: Asked, dns: Dns | None) -> tuple[Lead, ...]:
    if dns is None or asked.is_literal:
        return ()
    answers = await asyncio.gather(
        *(dns.ask(f"{name}.{asked.domain}", "SRV") for name, _ in _SERVICES)
    )
    found = []
    for (_, security), answer in zip(_SERVICES, answers, strict=True):
        rows = sorted(map(_srv, answer.records), key=lambda row: row[:2])
        for _, _, port, target in rows[:_MOST_OF_SRV]:
            if target and 0 < port < 65536:
                door = Door(port, security)
                found.append(Lead(host=target, source=Source.SRV, doors=(door,)))
    return tuple(found)


def _srv(record: str) -> tuple[int, int, int, str]:
    """Priority, weight (the heavier first), port and target; RFC 2782: the root as
    target says that there is no such service."""
    priority, weight, port, target = record.split()
    return int(priority), -int(weight), int(port), _host(target)


async def _exchangers(asked: Asked, dns: Dns | None) -> tuple[Lead, ...]:
    if dns is None or asked.is_literal:
        return ()
    answer = await dns.ask(asked.domain, "MX")
    rows = sorted((int(each.split()[0]), each.split()[1]) for each in answer.records)
    hosts = [_host(name) for _, name in rows]
    return tuple(Lead(host=each, source=Source.MX) for each in hosts if each)


async def _documents(
    asked: Asked, https: Net | None, timeout_s: float
) -> tuple[Lead, ...]:
    if https is None or asked.is_literal or mailboxes.is_freemail(asked.domain):
        return ()
    return await autoconfig.leads(asked, https, timeout_s=timeout_s)


async def _in_time(
    work: Awaitable[tuple[Lead, ...]], timeout_s: float
) -> tuple[Lead, ...]:
    """What does not come in time is not waited for."""
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        return ()


def _chosen(
    asked: Asked,
    found: list[Lead],
    provider: str | None,
    catalogue: Catalogue,
    most_of_others: int,
) -> Leads:
    """Each host once, with all the doors that its sources name."""
    kept: dict[str, Lead] = {}
    left_out: list[str] = []
    others = 0
    for lead in found:
        known = kept.get(lead.host)
        if known is not None:
            kept[lead.host] = _joined(known, lead)
            continue
        stranger = not _is_near(lead.host, asked, catalogue)
        if len(kept) >= MOST_HOSTS or (stranger and others >= most_of_others):
            left_out.append(lead.host)
            continue
        others += stranger
        kept[lead.host] = lead
    return Leads(
        leads=tuple(kept.values()),
        provider=provider,
        left_out=tuple(dict.fromkeys(left_out)),
    )


def _joined(one: Lead, other: Lead) -> Lead:
    return Lead(
        host=one.host,
        source=one.source,
        doors=tuple(dict.fromkeys((*one.doors, *other.doors))),
        username=one.username or other.username,
    )


def is_near(host: str, domain: str) -> bool:
    """The domain itself, or beneath it."""
    return host == domain or host.endswith(f".{domain}")


def _is_near(host: str, asked: Asked, catalogue: Catalogue) -> bool:
    return is_near(host, asked.domain) or catalogue.by_host(host) is not None


def _host(name: str) -> str:
    """The strict spelling; empty for what cannot be a host (the root, an escape)."""
    try:
        return parse_host(name.rstrip("."))
    except BadAddress:
        return ""
