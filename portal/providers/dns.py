"""What a provider expects in the DNS of a domain that sends through it.

`{domain}`, `{region}`, `{selector}` and the like are filled in by whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EvaluatedAt = Literal[
    "from_domain", "return_path", "signing_domain", "provider_domain", "none"
]
DkimRecordType = Literal["CNAME", "TXT", "CNAME_or_TXT", "none"]
SelectorSource = Literal["fixed", "dashboard", "tenant", "provider", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    type: Literal["A", "CNAME", "MX", "TXT"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfFacts:
    """`evaluated_at` is the domain whose record counts, that of the envelope.

    `includes` are the terms to publish, in a region of `regional` its own instead;
    `accept` others that do as well, `usual` what stands for them where there is
    nothing to include, `also_required` what has to stand beside them, in words or as
    a term. `lends_envelope`: they look at From, and mail leaves with an envelope of
    the provider's unless the tenant has a return path.
    """

    evaluated_at: EvaluatedAt
    required_at_from_domain: bool | str = False  # text: the condition in words
    recommended_at_from_domain: bool = False
    includes: tuple[str, ...] = ()
    regional: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    also_required: tuple[str, ...] = ()
    ending: Literal["~all", "-all", "?all"] = "~all"  # of a record made for it
    lends_envelope: bool = False
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimFacts:
    """`selectors` where they are fixed; else `selectors_common` are worth a look and
    `selector_pattern` tells one. A record may point at any of `targets`, and `accept`
    are others that do as well; `value_pattern` is how one that is a TXT begins.
    `all_required`: each selector must be there, not only one."""

    record_type: DkimRecordType
    selector_source: SelectorSource
    selectors: tuple[str, ...] = ()
    selectors_common: tuple[str, ...] = ()
    selectors_legacy: tuple[str, ...] = ()
    selector_count: int | None = None
    selector_pattern: str | None = None
    name_pattern: str = "{selector}._domainkey.{domain}"
    targets: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    value_pattern: str | None = None
    key_bits: int | None = None
    all_required: bool = False
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPathFacts:
    """The envelope domain of the tenant's own: `name` is the provider's word for it,
    `host_example` where it usually stands, `alternative_records` do as well. `vital`: without it
    the provider's mail does not pass."""

    required: bool = False
    vital: bool = False
    name: str | None = None
    must_be_subdomain: bool = False
    host_example: str | None = None
    records: tuple[DnsRecord, ...] = ()
    alternative_records: tuple[DnsRecord, ...] = ()
    regions: tuple[str, ...] = ()
    notes: str | None = None
