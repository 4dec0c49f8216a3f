"""Whose the hosts of a received mail are; their names are hostile input."""

from __future__ import annotations

from portal.address import BadAddress, parse_domain
from portal.deliverability import suffixes
from portal.mail.reading import shown

LONGEST = 300


def domain_of(text: str | None) -> str | None:
    try:
        return parse_domain(text) if text else None
    except BadAddress:
        return None


def organization(host: str) -> str | None:
    """Whose a host is; an address is nobody's."""
    domain = domain_of(host)
    last = domain.rpartition(".")[2] if domain else ""
    return suffixes.organization(domain) if domain and not last.isdigit() else None


def short(text: str, most: int = LONGEST) -> str:
    """As a page shows it."""
    return shown(text[:most])
