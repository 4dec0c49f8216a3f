"""Own relays: what a receiver says of each address, and which need a term of theirs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portal.deliverability.asking import Asking
from portal.deliverability.spf.check_host import Result, Verdict, check_host
from portal.deliverability.spf.faults import lets_all_in
from portal.deliverability.spf.macros import Asked
from portal.deliverability.spf.terms import BadRecord, is_open, parse
from portal.deliverability.spf.tree import Node
from portal.deliverability.types import IPAddress, Status, Subject

_NO = (Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL, Result.NONE)
_ERRORS = {Result.PERMERROR: Status.FAIL, Result.TEMPERROR: Status.UNKNOWN}
_LIMITS = ("spf_too_many_lookups", "spf_too_many_void_lookups")
_OWN_WORD = ("ip4", "ip6", "a", "mx", "exists")


@dataclass(frozen=True, slots=True)
class Relays:
    """`errors`: why a receiver could say nothing."""

    verdicts: dict[IPAddress, Verdict]

    @property
    def refused(self) -> bool:
        return any(told.result in _NO for told in self.verdicts.values())

    @property
    def errors(self) -> dict[str, Status]:
        return {
            told.reason: _ERRORS[told.result]
            for told in self.verdicts.values()
            if told.reason is not None
        }

    @property
    def told(self) -> dict[str, str]:
        return {str(ip): told.result.value for ip, told in self.verdicts.items()}

    @property
    def given_up(self) -> bool:
        """Before their term: it has to be the first."""
        return any(told.reason in _LIMITS for told in self.verdicts.values())

    def terms(self, top: Node) -> tuple[str, ...]:
        """Of those that nothing lets in, or nothing that is to stay; an error hides
        what would, so it says so itself."""
        doors = any(lets_all_in(node) for node in top.passing)
        return tuple(
            ip_term(ip)
            for ip, told in self.verdicts.items()
            if told.result in (*_NO, Result.PERMERROR)
            or (told.result is Result.PASS and _by(told.why, doors=doors))
        )

    def unneeded(self, top: Node) -> tuple[str, ...]:
        """`ptr`, which the addresses stand in for (RFC 7208 §5.5)."""
        terms = top.parsed.mechanisms if top.parsed and self.verdicts else ()
        return tuple(each.text for each in terms if each.name == "ptr")


async def evaluated(asking: Asking, subject: Subject, domain: str) -> Relays:
    sender, helo = f"postmaster@{domain}", subject.helo or domain
    verdicts = await asyncio.gather(
        *(
            check_host(asking, Asked(ip=ip, sender=sender, helo=helo), domain)
            for ip in subject.relay_ips
        )
    )
    return Relays(dict(zip(subject.relay_ips, verdicts, strict=True)))


def ip_term(ip: IPAddress) -> str:
    return f"ip{ip.version}:{ip}"


def _by(why: str | None, *, doors: bool) -> bool:
    """Whether by `ptr`, or where `doors` are open perhaps by one of them."""
    try:
        terms = parse(f"v=spf1 {why or ''}").mechanisms
    except BadRecord:
        return False
    if any(each.name == "ptr" for each in terms):
        return True
    return doors and not any(
        each.name in _OWN_WORD and not is_open(each) for each in terms
    )
