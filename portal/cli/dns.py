"""`portal dns`: the report on a domain, without a database."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import click

from portal.address import BadAddress, parse_domain, parse_host, parse_mailbox
from portal.cli.dns_lines import lines
from portal.config.relays import address_port
from portal.deliverability.relay_ip import addresses_of, outside
from portal.deliverability.report import report
from portal.deliverability.telling import report_json
from portal.deliverability.types import IPAddress, Report, Subject
from portal.net import https
from portal.net.guard import HTTPS_PORTS, GuardedNet, Policy
from portal.net.lookup import Resolver
from portal.net.records import NameServers
from portal.providers.catalogue import Catalogue
from portal.providers.types import Provider
from portal.services import expecting, looking

T = TypeVar("T")
_FETCH_S = 5.0
_NOT_SEEN = (
    "portal: --relay-host: no address of {} that receivers could see is known, so "
    "nothing is said of its SPF and reverse DNS. Give it with --relay-ip."
)


@click.command()
@click.argument("domain")
@click.option(
    "--from", "from_", metavar="A", help="The From address, if it is not at DOMAIN."
)
@click.option("--provider", "provider_id", metavar="ID", help="See portal providers.")
@click.option("--relay-host", metavar="H", help="An own relay, by its name.")
@click.option("--relay-ip", metavar="IP", multiple=True, help="Where its mail leaves.")
@click.option("--selector", metavar="S", multiple=True, help="Of the DKIM key.")
@click.option("--signing-domain", metavar="D", help="The d= of the signature.")
@click.option("--return-path", metavar="H", help="The domain of the envelope.")
@click.option("--region", metavar="R", help="Of the provider.")
@click.option("--helo", metavar="N", help="What the own relay says of itself.")
@click.option("--blocklist", metavar="ZONE", multiple=True, help="A list to ask.")
@click.option("--nameserver", metavar="IP:PORT", help="Ask this one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def dns(domain: str, nameserver: str | None, as_json: bool, **given: Any) -> int:
    """Say whether the DNS lets mail from DOMAIN through, and what is missing.

    Ends with 0 when all is in order, with 1 when something is not or is not known.
    """
    subject = _subject(domain, **given)
    server = _server("--nameserver", nameserver) or _server(
        "PORTAL_DNS", os.environ.get("PORTAL_DNS")
    )
    made = asyncio.run(_report(subject, server))
    if as_json:
        click.echo(json.dumps(report_json(made)))
    else:
        named = subject.expectation.name if subject.expectation else None
        for line in lines(made, named):
            click.echo(line)
    return 0 if made.status == "pass" else 1


async def _report(subject: Subject, server: tuple[str, int] | None) -> Report:
    net = _outward(server)
    fetch = partial(https.get, net, timeout_s=_FETCH_S)
    shown = partial(looking.shown_at, net)
    servers = NameServers(server)
    if subject.sends_itself and subject.relay_host and not subject.relay_ips:
        found = outside(await addresses_of(servers, subject.relay_host))
        if not found:
            click.echo(_NOT_SEEN.format(subject.relay_host), err=True)
        subject = dataclasses.replace(subject, relay_ips=found)
    return await report(subject, servers, fetch, shown=shown)


def _outward(server: tuple[str, int] | None) -> GuardedNet:
    """To where an MTA-STS policy is, and to mail hosts: answers lead there, and not
    the operator. Inner ones are not looked at, which says nothing about them."""
    policy = Policy(
        ports=HTTPS_PORTS | {looking.MAIL_PORT},
        for_relays=False,
        is_own=lambda _: False,  # the operator's own server may be the one
        resolver=Resolver(server),
        forbidden_s=0,
    )
    return GuardedNet(policy)


def _subject(
    domain: str,
    *,
    from_: str | None,
    provider_id: str | None,
    relay_host: str | None,
    relay_ip: tuple[str, ...],
    selector: tuple[str, ...],
    signing_domain: str | None,
    return_path: str | None,
    region: str | None,
    helo: str | None,
    blocklist: tuple[str, ...],
) -> Subject:
    known = _read("DOMAIN", expecting.checked_domain, domain)
    signing = _maybe("--signing-domain", expecting.checked_domain, signing_domain)
    mailbox = _maybe("--from", parse_mailbox, from_)
    provider = _provider(provider_id)
    author = known
    if mailbox is not None and mailbox.domain != known:
        # Then DOMAIN is the one that the provider knows, and has to align.
        author = _read("--from", expecting.checked_domain, mailbox.domain)
        signing = signing or known
        return_path = return_path or _return_path(provider, known)
    return Subject(
        domain=author,
        from_address=str(mailbox) if mailbox else None,
        expectation=(
            expecting.expectation(
                provider, known, region=region, signing_domain=signing
            )
            if provider
            else None
        ),
        somebody_elses=expecting.is_somebody_elses(provider, author),
        relay_host=_maybe("--relay-host", parse_host, relay_host),
        relay_ips=tuple(_ip(each) for each in relay_ip),
        selectors=tuple(_read("--selector", _selector, each) for each in selector),
        signing_domain=signing,
        return_path=_maybe("--return-path", parse_domain, return_path),
        helo=_maybe("--helo", parse_host, helo),
        blocklists=tuple(
            _read("--blocklist", parse_domain, each) for each in blocklist
        ),
    )


def _return_path(provider: Provider | None, domain: str) -> str | None:
    """The envelope that DOMAIN brings along; None: the usual place, or the provider's."""
    spf = provider.spf if provider else None
    if spf and (spf.lends_envelope or spf.evaluated_at != "from_domain"):
        return None
    return domain


def _read(option: str, reader: Callable[[str], T], text: str) -> T:
    try:
        return reader(text)
    except BadAddress as error:
        raise click.UsageError(f"{option}: {error}") from error


def _maybe(option: str, reader: Callable[[str], T], text: str | None) -> T | None:
    return None if text is None else _read(option, reader, text)


def _selector(text: str) -> str:
    """One label or more (RFC 6376 §3.1), so any domain that has it in front; what is
    pasted with the name that it stands at is cut there."""
    given = text.strip().partition("._domainkey")[0]
    try:
        return parse_domain(f"{given}.example").removesuffix(".example")
    except BadAddress as error:
        raise BadAddress(
            f"“{text}” is no selector: letters, digits and hyphens, parts by dots."
        ) from error


def _ip(text: str) -> IPAddress:
    try:
        return ip_address(text.strip("[]"))
    except ValueError as error:
        raise click.UsageError(f"--relay-ip: “{text}” is no address.") from error


def _provider(id_: str | None) -> Provider | None:
    if id_ is None:
        return None
    instance = Path(os.environ.get("PORTAL_INSTANCE") or "instance")
    found = Catalogue.load(instance / "providers", partial(click.echo, err=True)).get(
        id_
    )
    if found is None:
        raise click.UsageError(
            f"--provider: There is no provider “{id_}”: see portal providers."
        )
    return found


def _server(option: str, text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        return address_port(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error
