"""What receivers that still go by RFC 7489 make of a domain, where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SEEN = "Receivers that still go by RFC 7489 "


def older(facts: Mapping[str, Any]) -> str | None:
    """`facts` are those of the check of DMARC; None where all receivers agree."""
    before = facts.get("rfc7489")
    if not before:
        return None
    policy, pct = before.get("policy"), before.get("pct", 100)
    if policy is None:
        return f"{_SEEN}see no policy."
    share = f"{pct} % of " if pct < 100 and policy != "none" else ""
    told = f"{_SEEN}apply p={policy} to {share}what does not align"
    return f"{told}{_aligning(facts, before.get('aligned'))}."


def _aligning(facts: Mapping[str, Any], did: bool | None) -> str:
    """Only where that differs, too."""
    if did is None or did is (True in (facts.get("aligned") or {}).values()):
        return ""
    return f"; to them this mail {'aligns' if did else 'does not'}"
