"""Prefer (RFC 7240): `wait=N` and `respond-async`; what else is asked is ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_WAIT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    wait_s: int = 0
    respond_async: bool = False

    def applied(self, *, waited: bool) -> str | None:
        """The value of Preference-Applied, if anything was."""
        names = [f"wait={self.wait_s}"] if waited else []
        names += ["respond-async"] if self.respond_async else []
        return ", ".join(names) or None


def preferences(headers: Iterable[str]) -> Preferences:
    """Of all Prefer headers; the first mention of a preference counts (§2)."""
    found: dict[str, str] = {}
    for part in ",".join(headers).split(","):
        token = part.partition(";")[0]
        name, _, value = token.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    wait_s = int(wait) if re.fullmatch(r"[0-9]{1,9}", wait) else 0
    return Preferences(
        wait_s=min(wait_s, LONGEST_WAIT_S), respond_async="respond-async" in found
    )
