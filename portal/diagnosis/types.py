"""The words of a diagnosis: the evidence that goes in, the advice that comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a failure; everything may be missing but never invented.

    `text` is the reply without its three digits, or the words of an exception.
    `kind` and `phase` are those of delivery's Failure, where it was ours: why we
    stopped and how far the content went.
    """

    text: str
    stage: str | None = None
    code: int | None = None
    enhanced: str | None = None
    exception: str | None = None
    host: str | None = None
    port: int | None = None
    security: str | None = None
    auth: str | None = None
    ehlo: tuple[str, ...] = ()
    tls_subject: str | None = None
    tls_issuer: str | None = None
    remedy: str | None = None
    kind: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HintRule:
    """One wording of one provider and what it means there."""

    match: str  # a regular expression, searched without case
    meaning: str
    kind: str  # auth, from, rate, tls, ip, trial, size, policy, connect
    cause: str | None = None  # what that is as a cause, where it can be said
    code: int | None = None
    enhanced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHints:
    """What the catalogue knows of the provider at hand, passed in by the caller."""

    name: str
    username_hint: str | None = None
    password_hint: str | None = None
    from_hint: str | None = None
    refused_sender: str | None = None  # the cause, where it refuses one without words
    rules: tuple[HintRule, ...] = ()
    advice: Mapping[str, str] = field(default_factory=dict)  # sentences by cause
    docs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Settings (fields of a sender) that would mend it; `tested` when tried, and then
    `said` is what was seen."""

    set: Mapping[str, str | int]
    label: str
    tested: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    cause: str
    confidence: float
    temporary: bool
    title: str
    meaning: str
    remedy: str
    evidence: Mapping[str, str | int | None]  # code, enhanced, text, stage
    repairs: tuple[Repair, ...] = ()
    alternatives: tuple[str, ...] = ()
    docs: str | None = None
    stage: str | None = field(default=None)
