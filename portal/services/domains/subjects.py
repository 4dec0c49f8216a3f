"""What a report on a version of a sender is about, made of what it says.

The names of an inner network are not asked for: the answer would tell a tenant what
is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from portal.address import BadAddress, parse_mailbox
from portal.crypto.signing import public_record
from portal.deliverability.relay_ip import outside
from portal.deliverability.types import (
    CheckName,
    DkimExpected,
    Expectation,
    Subject,
)
from portal.errors import Unavailable
from portal.net import special
from portal.net.records import Answered, Kind, NameServers, Records, always
from portal.providers.types import Provider
from portal.services import expecting
from portal.services.installation import Installation
from portal.services.senders.fields import SIGNING_KEY, SenderFields
from portal.services.senders.sealing import open_secrets
from portal.services.zone import PORTAL_ADDRESS
from portal.store.models import SenderVersion
from portal.store.vault import Locked

KEPT = "{} keeps the mail it gets: no receiver looks at a domain."
NO_OUTSIDE = "“{}” is a name of an inner network: no receiver can look it up."

# Settings that change what a report says.
_TELLING = (
    *("provider", "region", "host", "relay_ips", "blocklists"),
    *("dkim", "dkim_signing"),
)


@dataclass(frozen=True, slots=True)
class Outward(NameServers):
    """The name servers, for names that the whole world may ask for."""

    async def ask(
        self, name: str, kind: Kind, one_more: Callable[[], bool] = always
    ) -> Records:
        if special.is_inner_name(name.lower().rstrip(".")):
            return Records(name=name, kind=kind, answered=Answered.REFUSED)
        return await NameServers.ask(self, name, kind, one_more)


def domain_of(fields: SenderFields) -> str:
    """That of the From address."""
    return parse_mailbox(fields.from_address).domain


def problem_of(installation: Installation, fields: SenderFields) -> str | None:
    """Why there is nothing to check."""
    provider = installation.catalogue.get(fields.provider)
    if fields.is_sandbox:
        return KEPT.format("The sandbox")
    if provider is not None and provider.kind == "local_test":
        return KEPT.format(provider.name)
    try:
        domain = expecting.checked_domain(domain_of(fields))
    except BadAddress as error:
        return str(error)
    return NO_OUTSIDE.format(domain) if special.is_inner_name(domain) else None


def about(installation: Installation, fields: SenderFields) -> str:
    """The same for two versions that a report cannot tell apart."""
    settings = fields.settings()
    told = [domain_of(fields), _return_path(installation, fields)]
    told += [settings[name] for name in _TELLING]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def subject_of(
    installation: Installation, fields: SenderFields, version: SenderVersion | None
) -> Subject:
    """`version` opens the key that signs, whose record is then known; None where
    nothing may be opened. Raises BadAddress."""
    domain = expecting.checked_domain(domain_of(fields))
    provider = installation.catalogue.get(fields.provider)
    signing = fields.dkim_signing
    own = signing.domain if signing else fields.dkim.signing_domain
    seen = _seen(installation, provider)
    return Subject(
        domain=domain,
        from_address=fields.from_address,
        expectation=_expectation(installation, fields, version, domain),
        somebody_elses=expecting.is_somebody_elses(provider, domain),
        relay_host=fields.host,
        relay_ips=outside(map(ip_address, (*fields.relay_ips, *seen))),
        selectors=_selectors(fields),
        signing_domain=own,
        return_path=_return_path(installation, fields),
        blocklists=fields.blocklists,
    )


def checks_for(subject: Subject) -> tuple[CheckName, ...]:
    """Those that the report on it will have, unless its domain does not exist."""
    left = set()
    if not (subject.sends_itself and subject.relay_ips):
        left |= {CheckName.PTR, CheckName.BLOCKLIST}
    if not subject.blocklists:
        left.add(CheckName.BLOCKLIST)
    dkim = subject.dkim
    unsigned = (dkim is not None and dkim.record_type == "none") or subject.is_homely
    if unsigned and not subject.selectors:
        left.add(CheckName.DKIM)
    return tuple(name for name in CheckName if name not in left)


def _return_path(installation: Installation, fields: SenderFields) -> str | None:
    """What a receiver sees as the domain of the envelope, where the tenant says it;
    most services write one of their own over it."""
    if fields.dkim.return_path or not fields.mail_from:
        return fields.dkim.return_path
    provider = installation.catalogue.get(fields.provider)
    spf = provider.spf if provider else None
    if spf and (spf.lends_envelope or spf.evaluated_at != "from_domain"):
        return None
    return parse_mailbox(fields.mail_from).domain


def _selectors(fields: SenderFields) -> tuple[str, ...]:
    """Of the one signature that is meant to align; ours, where there is one."""
    signing = fields.dkim_signing
    if signing is None:
        return fields.dkim.selectors
    same = fields.dkim.signing_domain in (None, signing.domain)
    others = fields.dkim.selectors if same else ()
    return tuple(dict.fromkeys((signing.selector, *others)))


def _expectation(
    installation: Installation,
    fields: SenderFields,
    version: SenderVersion | None,
    domain: str,
) -> Expectation | None:
    provider = installation.catalogue.get(fields.provider)
    if provider is None:
        return None
    made = expecting.expectation(
        provider,
        domain,
        region=fields.region,
        signing_domain=fields.dkim.signing_domain,
    )
    if fields.dkim_signing:
        made = replace(made, dkim=_ours(installation, made.dkim, fields, version))
    return made


def _seen(installation: Installation, provider: Provider | None) -> tuple[str, ...]:
    """The portal's own addresses, where a provider asks SPF to let them in."""
    asked = provider.spf.also_required if provider and provider.spf else ()
    if not any(PORTAL_ADDRESS in term for term in asked):
        return ()
    return installation.settings.egress_ips


def _ours(
    installation: Installation,
    dkim: DkimExpected | None,
    fields: SenderFields,
    version: SenderVersion | None,
) -> DkimExpected:
    """A key of our own stands in the zone as it is, not as an alias."""
    return replace(
        dkim or DkimExpected(),
        record_type="TXT",
        targets=(),
        by_provider=False,
        values=_own_record(installation, fields, version),
    )


def _own_record(
    installation: Installation, fields: SenderFields, version: SenderVersion | None
) -> dict[str, str]:
    if version is None or fields.dkim_signing is None:
        return {}
    try:
        secrets = open_secrets(installation.vault, version, only=(SIGNING_KEY,))
    except (Locked, Unavailable):
        return {}
    key = secrets.get(SIGNING_KEY)
    if key is None:
        return {}
    return {fields.dkim_signing.selector: public_record(key.reveal())}
