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
    return f"{_SEEN}apply p={policy} to {share}what does not align."
