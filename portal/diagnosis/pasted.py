"""What somebody pasted, made evidence: a reply, an error, a log, a bounce."""

from __future__ import annotations

from dataclasses import dataclass

from portal.diagnosis.types import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """One failure found in it. `reporter` is the machine that tells of it."""

    evidence: Evidence
    recipient: str | None = None
    reporter: str | None = None


def read(text: str) -> tuple[Pasted, ...]:
    """Every failure in it, the first first; at least one, if only the words."""
    return (Pasted(evidence=Evidence(text=text.strip())),)
