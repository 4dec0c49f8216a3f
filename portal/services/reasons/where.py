"""The name in the DNS that a check is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.deliverability.types import CheckName, Status

MOST_ADDRESSES = 3  # that are told


def where_of(name: CheckName, told: Mapping[str, Any], domain: str) -> str:
    """`told` is the JSON of the check; `domain` that of From."""
    facts, fixes = told["facts"], told["fixes"]
    if Status(told["status"]) is Status.UNKNOWN and facts.get("name"):
        return str(facts["name"])
    if name is CheckName.SPF:
        return str(facts.get("host") or domain)
    if name is CheckName.DKIM:
        selectors = facts.get("selectors") or ()
        first = selectors[0]["name"] if selectors else None
        return str(first or f"_domainkey.{facts.get('signing_domain') or domain}")
    if name in (CheckName.PTR, CheckName.BLOCKLIST):
        return _addresses(facts) or domain
    if name is CheckName.DMARC:
        return str(facts.get("source") or (fixes and fixes[0]["name"]) or domain)
    below = {
        CheckName.MTA_STS: "_mta-sts",
        CheckName.TLS_RPT: "_smtp._tls",
        CheckName.BIMI: "default._bimi",
    }
    return f"{below[name]}.{domain}" if name in below else domain


def _addresses(facts: Mapping[str, Any]) -> str:
    """Those of the relay that were asked about."""
    lists = (each.partition(" ")[0] for each in facts.get("lists") or ())
    found = list(dict.fromkeys((*(facts.get("addresses") or ()), *lists)))
    more = len(found) - MOST_ADDRESSES
    return ", ".join(found[:MOST_ADDRESSES]) + (f" and {more} more" if more > 0 else "")
