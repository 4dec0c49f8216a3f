"""Whom a report on a domain is about, and what their provider expects of the DNS.

Used by commands without a database: nothing of the store is imported here.
"""

from __future__ import annotations

from ipaddress import ip_address

from portal.address import BadAddress, parse_domain
from portal.deliverability import patterns
from portal.deliverability.suffixes import organization
from portal.deliverability.types import (
    DkimExpected,
    Expectation,
    Record,
    ReturnPathExpected,
    SpfExpected,
)
from portal.providers.dns import DkimFacts, DnsRecord, ReturnPathFacts, SpfFacts
from portal.providers.mailboxes import lords_of
from portal.providers.types import Provider


def checked_domain(text: str) -> str:
    """A domain that mail can come from, in A-labels. Raises BadAddress."""
    given = text.strip()
    if "@" in given or "/" in given:
        raise BadAddress(
            f"“{given[:100]}” is no domain. Type what stands behind the @ of an e-mail "
            "address, or the host name of a web address alone."
        )
    try:
        ip_address(given.strip("[]"))
    except ValueError:
        domain = parse_domain(given.removesuffix("."))
        if organization(domain) is None:
            raise BadAddress(
                f"“{domain}” is a public suffix: domains are registered below it."
            ) from None
        return domain
    raise BadAddress("An address is no domain. Type the part behind the @.")


def expectation(
    provider: Provider,
    domain: str,
    *,
    region: str | None = None,
    signing_domain: str | None = None,
) -> Expectation:
    """For mail from `domain`. A `{word}` stays where only the provider's console
    knows it."""
    lords = lords_of(domain)
    known = _authenticated(domain, signing_domain)
    words = {"domain": known} | ({"region": region} if region else {})
    return Expectation(
        id=provider.id,
        name=provider.name,
        own_relay=provider.kind == "relay" and not provider.has_hosts,
        home=lords is not None and provider.id in lords,
        spf=_spf(provider.spf, words, own=lords is None) if provider.spf else None,
        dkim=_dkim(provider.dkim) if provider.dkim else None,
        return_path=(
            _return_path(provider.return_path, words) if provider.return_path else None
        ),
    )


def _authenticated(domain: str, signing_domain: str | None) -> str:
    """The domain that the provider knows, above or below that of From."""
    if signing_domain is None:
        return domain
    same = organization(signing_domain) == organization(domain)
    return signing_domain if same else domain


def is_somebody_elses(provider: Provider | None, domain: str) -> bool:
    """A domain of another provider's, such as that of free mail."""
    lords = lords_of(domain)
    return provider is not None and lords is not None and provider.id not in lords


def _spf(facts: SpfFacts, words: dict[str, str], *, own: bool) -> SpfExpected:
    required = facts.required_at_from_domain
    regional = facts.regional.get(words.get("region", ""))
    includes = (regional,) if regional else facts.includes
    others = (*facts.includes, *facts.regional.values(), *facts.accept)
    return SpfExpected(
        evaluated_at=facts.evaluated_at,
        # A condition in words means: where the domain is the tenant's own.
        required_at_from_domain=own if isinstance(required, str) else required,
        includes=tuple(patterns.filled(each, **words) for each in includes),
        accept=tuple(each for each in others if each not in includes),
        usual=facts.usual,
        also_required=facts.also_required,
        ending=facts.ending,
        lends_envelope=facts.lends_envelope,
    )


def _dkim(facts: DkimFacts) -> DkimExpected:
    common = (*facts.selectors_legacy, *facts.selectors_common)
    return DkimExpected(
        record_type=facts.record_type,
        selectors=facts.selectors,
        common=common,
        selector_pattern=facts.selector_pattern,
        name_pattern=facts.name_pattern,
        targets=facts.targets,
        accept=facts.accept,
        value=_value(facts.value_pattern),
        all_required=facts.all_required,
        by_provider=facts.selector_source in ("provider", "dashboard", "fixed"),
    )


def _value(pattern: str | None) -> str:
    """The facts write three dots for the key."""
    return pattern.replace("...", "{key}") if pattern else DkimExpected().value


def _return_path(facts: ReturnPathFacts, words: dict[str, str]) -> ReturnPathExpected:
    return ReturnPathExpected(
        required=facts.vital,
        host=facts.host_example and patterns.filled(facts.host_example, **words),
        records=_records(facts.records, words),
        alternatives=_records(facts.alternative_records, words),
        notes=facts.notes,
    )


def _records(
    records: tuple[DnsRecord, ...], words: dict[str, str]
) -> tuple[Record, ...]:
    return tuple(
        Record(type=each.type, value=patterns.filled(each.value, **words))
        for each in records
    )
