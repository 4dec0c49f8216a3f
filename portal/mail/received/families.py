"""Operators whose servers carry the names of several domains, by what is seen of them.

`family` brings them under one name; `is_gateway` tells who stands in front of the
servers of others and takes their mail in for them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

_FAMILIES = {
    "1e100.net": "google.com",
    "googlemail.com": "google.com",
    "office365.com": "outlook.com",
    "exchangelabs.com": "outlook.com",
    "hotmail.com": "outlook.com",
    "me.com": "icloud.com",
    "apple.com": "icloud.com",
    "fastmail.com": "messagingengine.com",
    "yahoodns.net": "yahoo.com",
    "aol.com": "yahoo.com",
    "proton.ch": "protonmail.ch",
    "proton.me": "protonmail.ch",
    "zoho.com": "zohomail.com",
    "zoho.eu": "zohomail.eu",
    "gmx.com": "gmx.net",
    "web.de": "gmx.net",
    "ppops.net": "pphosted.com",
    "rzone.de": "strato.com",
    "smailru.net": "mail.ru",
    "yandex.ru": "yandex.net",
}
_GATEWAYS = frozenset(
    (
        "antispameurope.com",  # Hornetsecurity
        "barracudanetworks.com",
        "cloud-sec-av.com",  # Check Point
        "hornetsecurity.com",
        "iphmx.com",  # Cisco
        "mailcontrol.com",  # Forcepoint
        "messagelabs.com",  # Broadcom
        "mimecast.com",
        "pphosted.com",  # Proofpoint
        "sophos.com",
        "trendmicro.com",
        "trendmicro.eu",
    )
)
# Exchange Online hands on within these, and writes no reverse name beside them.
_MICROSOFT = (ip_network("2603:1000::/24"), ip_network("2a01:111::/32"))


def family(organization: str | None) -> str | None:
    return _FAMILIES.get(organization, organization) if organization else None


def is_gateway(organization: str | None) -> bool:
    return family(organization) in _GATEWAYS


def is_microsofts(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _MICROSOFT)
