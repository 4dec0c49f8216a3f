"""The words of a report on a domain: what is asked, what is expected, what was found.

`Expectation` is what a provider needs in the DNS; the caller fills it in from what it
knows of the provider, so that nothing here knows any. Domains are A-labels in small
letters without the dot at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal

IPAddress = IPv4Address | IPv6Address
EvaluatedAt = Literal[
    "from_domain", "return_path", "signing_domain", "provider_domain", "none"
]


class Status(StrEnum):
    """`unknown`: could not be checked, which is never the same as missing."""

    PASS = "pass"  # noqa: S105, no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    INFO = "info"  # optional, and not set up


class CheckName(StrEnum):
    """In the order of the page."""

    FROM_DOMAIN = "from_domain"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    MX = "mx"
    PTR = "ptr"
    MTA_STS = "mta_sts"
    TLS_RPT = "tls_rpt"
    DANE = "dane"
    BIMI = "bimi"
    DNSSEC = "dnssec"
    BLOCKLIST = "blocklist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record that a provider asks for; `{…}` in `value` is filled in already."""

    type: Literal["A", "CNAME", "MX", "TXT"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfExpected:
    """`includes` are terms to publish, `accept` others that do as well, `usual` those
    of a record where there is nothing to include; `also_required` stands beside them
    (`mx`, a term, or words for people), `ending` behind them in a new record.
    `lends_envelope`: looked at is From, the envelope is the provider's all the same
    unless the tenant has a return path."""

    evaluated_at: EvaluatedAt = "from_domain"
    required_at_from_domain: bool = True
    includes: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    also_required: tuple[str, ...] = ()
    ending: str = "~all"
    lends_envelope: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimExpected:
    """`selectors` are fixed by the provider; `common` ones are worth a look;
    `targets` are patterns of where a CNAME may lead (`{selector}`, `{domain}`,
    `{domain-with-dashes}`; any other `{word}` stands for anything), `accept` others
    that do as well, `value` is how a record that is a TXT reads.
    `by_provider`: the provider, not the tenant, chooses the key. `values` are the
    records of selectors whose key is known here, such as our own."""

    record_type: Literal["CNAME", "TXT", "CNAME_or_TXT", "none"] = "TXT"
    selectors: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    selector_pattern: str | None = None
    name_pattern: str = "{selector}._domainkey.{domain}"
    targets: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    value: str = "v=DKIM1; k=rsa; p={key}"
    all_required: bool = False
    by_provider: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPathExpected:
    """`host` is where the provider usually puts it below the From domain, filled in;
    `alternatives` do as well as `records`."""

    required: bool = False
    host: str | None = None
    records: tuple[Record, ...] = ()
    alternatives: tuple[Record, ...] = ()
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One provider. `own_relay`: mail leaves from addresses of the tenant's own, so
    PTR and block lists are the tenant's to mend. `home`: the From domain is one of the
    provider's own, which it signs for and whose records are its business."""

    id: str
    name: str
    own_relay: bool = False
    home: bool = False
    spf: SpfExpected | None = None
    dkim: DkimExpected | None = None
    return_path: ReturnPathExpected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom the report is about: one sender's three domains and its addresses.

    `domain` is that of From. `return_path` is the host of the envelope where the
    tenant has one of its own, `signing_domain` the d= of its signatures; None: what
    the provider does. `helo` is the name that `relay_ips` say of themselves.
    `somebody_elses`: a free-mail domain whose mailboxes another provider runs; they
    want such mail refused.
    """

    domain: str
    from_address: str | None = None
    expectation: Expectation | None = None
    somebody_elses: bool = False
    relay_host: str | None = None
    relay_ips: tuple[IPAddress, ...] = ()
    selectors: tuple[str, ...] = ()
    signing_domain: str | None = None
    return_path: str | None = None
    helo: str | None = None
    blocklists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """An IPv4 address in IPv6 clothes is what receivers see: IPv4."""
        plain = (getattr(ip, "ipv4_mapped", None) or ip for ip in self.relay_ips)
        object.__setattr__(self, "relay_ips", tuple(dict.fromkeys(plain)))

    @property
    def is_homely(self) -> bool:
        return self.expectation is not None and self.expectation.home

    @property
    def sends_itself(self) -> bool:
        """Mail leaves from addresses that are the tenant's own business."""
        return self.expectation is None or self.expectation.own_relay

    @property
    def spf(self) -> SpfExpected | None:
        """None, here and below: nobody expects anything."""
        return self.expectation.spf if self.expectation else None

    @property
    def dkim(self) -> DkimExpected | None:
        return self.expectation.dkim if self.expectation else None

    @property
    def usual_path(self) -> ReturnPathExpected | None:
        return self.expectation.return_path if self.expectation else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One record to publish: `name` in full, `host` relative to its zone (`@` for the
    zone itself), `value` as it is typed into a DNS panel."""

    name: str
    host: str
    type: str
    value: str
    ttl: int = 3600  # seconds
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The first of `reasons` is the main one; `found` are records as they stand in
    the DNS, hostile text that is only ever shown escaped; `facts` are JSON values."""

    check: CheckName
    status: Status
    reasons: tuple[str, ...]
    found: tuple[str, ...] = ()
    expected: str | None = None
    fixes: tuple[Fix, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`checks` in the order of CheckName; those that do not apply are left out."""

    domain: str
    provider: str | None
    status: Status
    checks: tuple[Check, ...]
