"""What a receiver by RFC 7489 sees, which finds the organization in a list of public
suffixes: many still do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.dmarc.record import Dmarc, Policy, is_dmarc, read
from portal.deliverability.dmarc.reports import are_wanted
from portal.deliverability.suffixes import organization, with_registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    organization: str | None
    policy: Policy | None  # None: no record
    source: str | None
    record: Dmarc | None = None


async def older_view(asking: Asking, domain: str) -> Older:
    above = organization(domain)
    for each in with_registered(domain):
        answer = await asking.ask(f"_dmarc.{each}", "TXT")
        texts = [text for text in answer.records if is_dmarc(text)]
        if len(texts) != 1:
            continue
        record = read(texts[0])
        policy = _policy(record, inherited=each != domain)
        return Older(organization=above, policy=policy, source=each, record=record)
    return Older(organization=above, policy=None, source=None)


def _policy(record: Dmarc, *, inherited: bool) -> Policy | None:
    """RFC 7489 §6.6.3: without a usable p and sp there is a policy only if rua asks;
    np is not known yet."""
    unsound = tuple(each for each in record.unsound if each != "np")
    known = dataclasses.replace(record, unsound=unsound)
    if not known.has_policy and not are_wanted(known):
        return None
    return known.for_subdomains if inherited else known.policy
