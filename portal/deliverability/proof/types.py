"""What a received mail shows, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from portal.deliverability.dmarc.record import Policy


class Signed(Protocol):
    """A signature as it was read; see `Signature` of who reads mails."""

    @property
    def domain(self) -> str: ...
    @property
    def selector(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def covered(self) -> bytes: ...
    @property
    def value(self) -> bytes: ...
    @property
    def body_matches(self) -> bool | None: ...
    @property
    def fault(self) -> str | None: ...
    @property
    def is_partial(self) -> bool: ...


class Outcome(StrEnum):
    """Of one signature. UNKNOWN: the key could not be asked for."""

    VERIFIED = "verified"
    HEADER_ONLY = "header_only"  # it holds for the header; there is no body to compare
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One signature. `reason` is why it is not VERIFIED: a fault of its own, a reason
    id of the key, `body_changed`, `header_changed`. `is_aligned`: of the domain of
    From, by what its policy asks for; None: nobody knows. `is_partial`: the end of the
    body is not covered."""

    domain: str
    selector: str
    algorithm: str
    outcome: Outcome
    reason: str | None
    is_aligned: bool | None
    bits: int | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the receiver said of one domain: `spf` of that of the envelope, `dkim` of
    a signature."""

    result: str
    domain: str | None
    selector: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one mail shows; `spf`, `dkim` and `dmarc` (of From's domain) are the
    trusted receiver's words."""

    from_domain: str
    signatures: tuple[Signed, ...]
    spf: tuple[Told, ...] = ()
    dkim: tuple[Told, ...] = ()
    dmarc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAligned:
    told: Told
    is_aligned: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`passes`: DMARC, by what was verified here and, for what cannot be, by the
    receiver's word (`dmarc` is that of the whole); None: nobody knows. `policy` None:
    there is none, or nobody knows (`is_policy_known`)."""

    from_domain: str
    signatures: tuple[Judged, ...]
    spf: tuple[ToldAligned, ...]
    dkim: tuple[ToldAligned, ...]
    policy: Policy | None
    is_policy_known: bool
    passes: bool | None
    dmarc: str | None = None
