"""`portal find`: the relay of an address or a host, without a database."""

from __future__ import annotations

import asyncio
import json
import shutil
import textwrap
from pathlib import Path

import click

from portal.cli.files import text_file
from portal.config import Settings
from portal.errors import Invalid
from portal.net.open import OpenNet
from portal.net.records import NameServers
from portal.providers.catalogue import Catalogue
from portal.services.finding import WITHIN_S, Findings, Way, find, parse_asked
from portal.services.finding.shown import findings_json

_SAFETIES = {"trusted": "safe", "untrusted": "untrusted", "readable": "readable"}


@click.command(name="find")
@click.argument("asked", metavar="ADDRESS_OR_HOST")
@click.option(
    "--timeout", type=click.FloatRange(min=1, max=60), default=WITHIN_S, metavar="S"
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path),
    metavar="F",
    help="Replaces the trust store.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def find_(asked: str, timeout: float, ca_file: Path | None, as_json: bool) -> int:
    """Find the relay of an e-mail address, a domain or a host.

    Asks the catalogue, the DNS and the domain's document for mail programs, then
    tries ports 465, 587, 2465, 2525 and 25 in every mode. No credential is sent.
    Ends with 0 when a relay answers, with 1 when none does.
    """
    settings = Settings.load(warn=lambda sentence: click.echo(sentence, err=True))
    try:
        what = parse_asked(asked)
    except Invalid as fault:
        raise click.UsageError(fault.errors[0].detail) from None
    net = OpenNet(settings.dns)
    found = asyncio.run(
        find(
            what,
            net,
            dns=NameServers(server=settings.dns, rounds=1),
            https=net,
            catalogue=Catalogue.load(settings.instance / "providers"),
            ehlo_name=settings.ehlo_name,
            on_way=lambda way: None if as_json else _tell(way),
            ca_pem=text_file(ca_file) if ca_file else None,
            within_s=timeout,
        )
    )
    if as_json:
        click.echo(json.dumps(findings_json(found), indent=2))
    else:
        _conclude(found)
    return 0 if found.proposal else 1


def _tell(way: Way) -> None:
    """What answers, as soon as it does; what does not is told at the end."""
    if way.safety is not None:
        offers = f"; offers {', '.join(way.mechanisms)}" if way.mechanisms else ""
        how = f"{way.host}:{way.port} {way.security}"
        click.echo(f"{_SAFETIES[way.safety]:10} {how}  {way.said.rstrip('.')}{offers}")


def _conclude(found: Findings) -> None:
    width = min(shutil.get_terminal_size().columns, 88)
    for host in found.hosts:
        silent = [way for way in found.ways if way.host == host and not way.answers]
        for words in dict.fromkeys(way.said for way in silent):
            doors = [
                f"{way.port} {way.security}" for way in silent if way.said == words
            ]
            click.echo(f"{'-':10} {host} ({', '.join(doors)})  {words}")
    click.echo("")
    for sentence in (found.sentence, *found.notes):
        click.echo(textwrap.fill(sentence, width))
    for name, value in found.values.items():
        click.echo(f"  {name} = {value}")
