"""What a receiver by RFC 7489 sees, which finds the organization in a list of public
suffixes: many still do."""

from __future__ import annotations

from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Policy, is_dmarc, read
from portal.deliverability.suffixes import organization, with_registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    organization: str | None
    policy: Policy | None  # None: no record
    source: str | None


async def older_view(asking: Asking, domain: str) -> Older:
    above = organization(domain)
    for each in with_registered(domain):
        answer = await asking.ask(f"_dmarc.{each}", "TXT")
        texts = [text for text in answer.records if is_dmarc(text)]
        if len(texts) != 1:
            continue
        record = read(texts[0])
        # RFC 7489 §6.6.3: without a usable p there is a policy only if rua asks.
        policy: Policy | None = record.policy
        if "p" not in record.values and not record.rua:
            policy = None
        elif each != domain and policy is not None:
            policy = record.for_subdomains
        return Older(organization=above, policy=policy, source=each)
    return Older(organization=above, policy=None, source=None)
