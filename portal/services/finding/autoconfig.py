"""The document that mail programs ask a domain for: its relay and how to sign in.

Only the domain is told, over HTTPS, never the address; what comes back is hostile
until it is read, and names a host to look at, no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from xml.etree import ElementTree

from portal.address import BadAddress, parse_host
from portal.delivery.types import Security
from portal.net.https import HttpAnswer, get
from portal.net.types import Net
from portal.services.finding.types import Asked, Door, Lead, Source

PLACES = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
_SECURITY = {"SSL": Security.TLS, "STARTTLS": Security.STARTTLS}
_MOST = 4


async def leads(
    asked: Asked,
    https: Net,
    *,
    timeout_s: float,
    ca_pem: str | None = None,
    places: Sequence[str] = PLACES,
) -> tuple[Lead, ...]:
    """Those of the first place that has the document; empty where none has."""
    urls = [place.format(domain=asked.domain) for place in places]
    answers = await asyncio.gather(
        *(get(https, url, timeout_s=timeout_s, ca_pem=ca_pem) for url in urls)
    )
    for answer in answers:
        if isinstance(answer, HttpAnswer) and answer.status == 200:
            found = read(answer.body, asked)
            if found:
                return found
    return ()


def read(document: bytes, asked: Asked) -> tuple[Lead, ...]:
    """The outgoing servers, in their order; empty for what is no such document."""
    if b"<!" in document.replace(b"<!--", b""):
        return ()  # a document type: entities would come with it
    try:
        root = ElementTree.fromstring(document)  # noqa: S314, no entities, 64 KB
    except (ElementTree.ParseError, ValueError, LookupError):
        return ()
    servers = root.findall(".//outgoingServer[@type='smtp']")[:_MOST]
    return tuple(lead for lead in (_lead(each, asked) for each in servers) if lead)


def _lead(server: ElementTree.Element, asked: Asked) -> Lead | None:
    try:
        host = parse_host(_filled(server.findtext("hostname") or "", asked))
    except BadAddress:
        return None
    port = (server.findtext("port") or "").strip()
    security = _SECURITY.get((server.findtext("socketType") or "").strip().upper())
    if security is None or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        return None
    username = _filled(server.findtext("username") or "", asked)
    return Lead(
        host=host,
        source=Source.AUTOCONFIG,
        doors=(Door(int(port), security),),
        username=username if username and "%" not in username else None,
    )


def _filled(text: str, asked: Asked) -> str:
    """`%EMAILADDRESS%` and its parts, where an address was given."""
    text = text.strip().replace("%EMAILDOMAIN%", asked.domain)
    if asked.address is None:
        return text
    local = asked.address.rpartition("@")[0]
    return text.replace("%EMAILADDRESS%", asked.address).replace(
        "%EMAILLOCALPART%", local
    )
