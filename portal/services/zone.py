"""What a provider asks to have published, as records of the tenant's own zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal.providers.dns import DkimFacts, DnsRecord, ReturnPathFacts, SpfFacts
from portal.providers.types import Provider
from portal.services.senders.fields import SenderFields

PORTAL_ADDRESS = "{portal address}"
_GAP = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`name` is absolute."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One kind of record, or what to take from the provider's console instead."""

    id: str
    title: str
    text: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: bool = False


def asks(
    provider: Provider, fields: SenderFields, egress_ips: tuple[str, ...]
) -> tuple[Ask, ...]:
    """SPF, DKIM and return path, as far as this provider asks for them."""
    domain = fields.from_address.rpartition("@")[2]
    names = {
        "domain": domain,
        "domain-with-dashes": domain.replace(".", "-"),
        "region": fields.region or "{region}",
    }
    found = (
        _spf(provider, provider.spf, fields, egress_ips),
        _dkim(provider, provider.dkim, names),
        _return_path(provider, provider.return_path, names),
    )
    return tuple(ask for ask in found if ask)


def with_addresses(steps: tuple[str, ...], ips: tuple[str, ...]) -> tuple[str, ...]:
    """The steps of an allow list with our addresses beside the words for them."""
    if not ips:
        return steps
    told = f" ({', '.join(ips)})"
    return tuple(
        re.sub(r"portal address|address of the portal", lambda m: m[0] + told, step)
        for step in steps
    )


def _spf(
    provider: Provider,
    facts: SpfFacts | None,
    fields: SenderFields,
    ips: tuple[str, ...],
) -> Ask | None:
    if facts is None or not _is_asked_for(facts):
        return None
    domain = fields.from_address.rpartition("@")[2]
    ours = [f"ip{6 if ':' in ip else 4}:{ip}" for ip in ips]
    also: list[str] = []
    loose: list[str] = []
    for term in facts.also_required:
        if PORTAL_ADDRESS in term:
            also += ours or ["ip4:{the address of this portal}"]
        else:
            loose.append(f"Also needed: {term}.")
    regional = facts.regional.get(fields.region or "")
    includes = (regional,) if regional else facts.includes
    terms = [*includes, *also]
    terms = terms or [each for each in facts.usual if not _GAP.search(each)]
    if facts.required_at_from_domain is not True:
        loose.append(f"Asked for: {facts.required_at_from_domain}.")
    return Ask(
        id="spf",
        title=f"SPF of {domain}",
        text=(
            "If the domain has an SPF record, put what is new of this before its end; a"
            " name must not have two.",
        ),
        records=(Record(name=domain, type="TXT", value=_record(terms, facts.ending)),)
        if terms
        else (),
        notes=(*loose, *((facts.notes,) if facts.notes else ())),
        unsure=provider.is_unsure("spf"),
    )


def _is_asked_for(facts: SpfFacts) -> bool:
    """At the From domain; a condition in words is worth telling only there."""
    required = facts.required_at_from_domain
    if isinstance(required, str):
        return facts.evaluated_at == "from_domain"
    return required or facts.recommended_at_from_domain


def _record(terms: list[str], ending: str) -> str:
    return " ".join(("v=spf1", *terms, ending))


def _dkim(
    provider: Provider, facts: DkimFacts | None, names: Mapping[str, str]
) -> Ask | None:
    if facts is None or facts.record_type == "none":
        return None
    if facts.selector_source not in ("fixed", "dashboard"):
        return None
    kind = "CNAME or TXT" if facts.record_type == "CNAME_or_TXT" else facts.record_type
    records, whole = _of_selectors(facts, names)
    many = facts.selector_count or len(facts.selectors) or 1
    count = f"{many} {kind} records" if many > 1 else f"one {kind} record"
    text = f"{provider.name} asks for {count} and shows the values in its console."
    return Ask(
        id="dkim",
        title=f"DKIM of {names['domain']}",
        text=() if whole else (text,),
        records=records,
        notes=(facts.notes,) if facts.notes else (),
        unsure=provider.is_unsure("dkim"),
    )


def _of_selectors(
    facts: DkimFacts, names: Mapping[str, str]
) -> tuple[tuple[Record, ...], bool]:
    """The records of fixed selectors with one known form, and whether that is all."""
    if facts.record_type != "CNAME" or not facts.selectors:
        return (), False
    targets = facts.targets
    if len(targets) not in (1, len(facts.selectors)):
        return (), False
    records = []
    for index, selector in enumerate(facts.selectors):
        pattern = targets[index if len(targets) > 1 else 0]
        known = {**names, "selector": selector, "n": str(index + 1)}
        name, value = _filled(facts.name_pattern, known), _filled(pattern, known)
        if _GAP.search(value):
            return (), False
        records.append(Record(name=name, type="CNAME", value=value))
    return tuple(records), True


def _return_path(
    provider: Provider, facts: ReturnPathFacts | None, names: Mapping[str, str]
) -> Ask | None:
    if facts is None or not facts.host_example or not facts.records:
        return None
    host = _host(facts.host_example, names)
    filled = [_published(host, each, names) for each in facts.records]
    whole = not _GAP.search(host) and not any(_GAP.search(r.value) for r in filled)
    wish = "" if facts.required else ", if bounces shall come from your own domain"
    return Ask(
        id="return-path",
        title=f"{(facts.name or 'return path')[:1].upper()}"
        f"{(facts.name or 'return path')[1:]}{wish}",
        text=()
        if whole
        else (f"{provider.name} shows the exact names and values in its console.",),
        records=tuple(filled) if whole else (),
        notes=(facts.notes,) if facts.notes else (),
        unsure=provider.is_unsure("return_path"),
    )


def _host(example: str, names: Mapping[str, str]) -> str:
    """`mg.{domain}`, where the domain is no such name already."""
    label = example.partition("{domain}")[0]
    if label and "{" not in label and names["domain"].startswith(label):
        return names["domain"]
    return _filled(example, names)


def _published(host: str, record: DnsRecord, names: Mapping[str, str]) -> Record:
    return Record(name=host, type=record.type, value=_filled(record.value, names))


def _filled(pattern: str, names: Mapping[str, str]) -> str:
    """What is not known stays in its braces."""
    return _GAP.sub(lambda gap: names.get(gap[0][1:-1], gap[0]), pattern)
