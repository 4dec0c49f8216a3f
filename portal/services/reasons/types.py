"""A reason of a check in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a receiver asks for, and what it answers where that is missing."""

    receiver: str  # Gmail, Yahoo, Outlook
    asks: str
    refusal: str | None  # "550 5.7.26"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason id of a check in words: what it means, why it matters, what to do.
    `phrase` is the title as it stands in the middle of a sentence."""

    id: str
    title: str
    phrase: str
    why: str
    remedy: str | None
