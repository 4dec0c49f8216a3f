"""The check that a receiver makes: may this address send for that domain?

`check_host()` of RFC 7208 §4, with its limits: ten terms that look names up, two
look-ups that find nothing, ten names of MX or PTR each.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Protocol

from portal.deliverability.spf.macros import (
    Asked,
    as_name,
    expanded,
    needs_validated_name,
)
from portal.deliverability.spf.terms import (
    LOOKED_UP,
    BadRecord,
    Mechanism,
    Parsed,
    is_explanation,
    is_spf,
    parse,
)
from portal.deliverability.types import IPAddress
from portal.deliverability.unknowing import reason_of
from portal.net.records import Kind, Records

MOST_LOOKUPS = 10
MOST_VOID = 2
MOST_NAMES = 10
_LABEL = re.compile(r"[^.]{1,63}")


class Result(StrEnum):
    """RFC 7208 §2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`why` names the term that decided or broke it, `reason` is the word for an
    error; `explanation` is the domain's own (exp=), hostile text, with `fail` alone."""

    result: Result
    why: str | None = None
    reason: str | None = None
    explanation: str | None = None


class Asker(Protocol):
    async def ask(self, name: str, kind: Kind) -> Records: ...


_RESULTS = {
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}


class _Ends(Exception):
    """An error of the whole check, from wherever in the tree."""

    def __init__(
        self, reason: str, why: str, result: Result = Result.PERMERROR
    ) -> None:
        super().__init__(why)
        self.verdict = Verdict(result=result, why=why, reason=reason)


async def check_host(dns: Asker, asked: Asked, domain: str) -> Verdict:
    """`domain` of the envelope, or HELO's where the reverse-path is empty."""
    domain = domain.rstrip(".")
    if not _is_domain(domain):
        return Verdict(result=Result.NONE)
    check = _Check(dns, asked)
    try:
        return await check.of(domain)
    except _Ends as end:
        return end.verdict


class _Check:
    """One evaluation; counts over the whole tree."""

    def __init__(self, dns: Asker, asked: Asked) -> None:
        self._dns = dns
        self._asked = asked
        self._lookups = 0
        self._void = 0

    async def of(self, domain: str, *, explains: bool = True) -> Verdict:
        record = await self._record(domain)
        if record is None:
            return Verdict(result=Result.NONE)
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                result = _RESULTS[mechanism.qualifier]
                told = None
                if result is Result.FAIL and explains and record.explanation:
                    told = await self._explanation(record.explanation, domain)
                return Verdict(result=result, why=mechanism.text, explanation=told)
        if record.redirect is not None:
            return await self._redirected(record.redirect, domain, explains=explains)
        return Verdict(result=Result.NEUTRAL)

    async def _record(self, domain: str) -> Parsed | None:
        answer = await self._ask(domain, "TXT")
        found = [text for text in answer.records if is_spf(text)]
        if not found:
            return None
        if len(found) > 1:
            raise _Ends("spf_multiple_records", domain)
        try:
            return parse(found[0])
        except BadRecord as error:
            raise _Ends("spf_syntax_error", error.term) from error

    async def _redirected(self, spec: str, domain: str, *, explains: bool) -> Verdict:
        text = f"redirect={spec}"
        self._count(text)
        target = await self._target(spec, domain)
        verdict = await self.of(target, explains=explains) if target else None
        if verdict is None or verdict.result is Result.NONE:
            raise _Ends("spf_redirect_no_record", text)
        return verdict

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name in LOOKED_UP:
            self._count(mechanism.text)
        match mechanism.name:
            case "all":
                return True
            case "ip4" | "ip6":
                network = mechanism.network
                return network is not None and self._asked.ip in network
        target = domain
        if mechanism.domain is not None:
            named = await self._target(mechanism.domain, domain)
            if named is None:
                return False
            target = named
        match mechanism.name:
            case "include":
                return await self._includes(mechanism, target)
            case "a":
                return self._near(await self._addresses(target), mechanism)
            case "mx":
                return await self._is_mx(mechanism, target)
            case "ptr":
                return await self._is_named(target)
        answer = await self._counted(target, "A")
        return bool(answer.records)

    async def _includes(self, mechanism: Mechanism, target: str) -> bool:
        verdict = await self.of(target, explains=False)
        if verdict.result is Result.NONE:
            raise _Ends("spf_include_no_record", mechanism.text)
        return verdict.result is Result.PASS

    async def _is_mx(self, mechanism: Mechanism, target: str) -> bool:
        answer = await self._counted(target, "MX")
        if len(answer.records) > MOST_NAMES:
            raise _Ends("spf_too_many_lookups", mechanism.text)
        for record in answer.records:
            host = record.rpartition(" ")[2]
            if host != "." and self._near(await self._addresses(host), mechanism):
                return True
        return False

    async def _is_named(self, target: str) -> bool:
        async for name in self._validated():
            if name == target.lower() or name.endswith(f".{target.lower()}"):
                return True
        return False

    async def _validated(self) -> AsyncIterator[str]:
        """Names of the client that lead back to it (RFC 7208 §5.5); trouble is none."""
        try:
            answer = await self._counted(self._asked.ip.reverse_pointer, "PTR")
        except _Ends:
            return
        for name in answer.records[:MOST_NAMES]:
            try:
                addresses = await self._addresses(name, void_counts=False)
            except _Ends:
                continue
            if self._asked.ip in addresses:
                yield name

    async def _addresses(
        self, name: str, *, void_counts: bool = True
    ) -> tuple[IPAddress, ...]:
        kind: Kind = "A" if self._asked.ip.version == 4 else "AAAA"
        ask = self._counted if void_counts else self._ask
        return tuple(ip_address(text) for text in (await ask(name, kind)).records)

    def _near(self, addresses: tuple[IPAddress, ...], mechanism: Mechanism) -> bool:
        v4 = self._asked.ip.version == 4
        prefix = mechanism.prefix4 if v4 else mechanism.prefix6
        return any(
            self._asked.ip in ip_network(f"{address}/{prefix}", strict=False)
            for address in addresses
        )

    async def _target(self, spec: str, domain: str) -> str | None:
        """The name a domain-spec stands for; None where no such name can be."""
        name = as_name(await self._expanded(spec, domain))
        return name if _is_name(name) else None

    async def _expanded(self, spec: str, domain: str) -> str:
        validated = "unknown"
        if needs_validated_name(spec):
            validated = await self._own_name(domain)
        return expanded(spec, self._asked, domain, validated)

    async def _own_name(self, domain: str) -> str:
        """RFC 7208 §7.3: the domain itself, else one below it, else any."""
        names = [name async for name in self._validated()]
        below = [name for name in names if name.endswith(f".{domain.lower()}")]
        if domain.lower() in names:
            return domain
        return next(iter([*below, *names]), "unknown")

    async def _explanation(self, spec: str, domain: str) -> str | None:
        """RFC 7208 §6.2: any trouble means there is none."""
        try:
            target = await self._target(spec, domain)
            answer = await self._ask(target, "TXT") if target else None
        except _Ends:
            return None
        text = "".join(answer.records) if answer else ""
        if answer is None or len(answer.records) != 1 or not is_explanation(text):
            return None
        return await self._expanded(text, domain)

    def _count(self, text: str) -> None:
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise _Ends("spf_too_many_lookups", text)

    async def _counted(self, name: str, kind: Kind) -> Records:
        answer = await self._ask(name, kind)
        if not answer.records:
            self._void += 1
            if self._void > MOST_VOID:
                raise _Ends("spf_too_many_void_lookups", name)
        return answer

    async def _ask(self, name: str, kind: Kind) -> Records:
        answer = await self._dns.ask(name, kind)
        if not answer.answered.is_known:
            raise _Ends(reason_of(answer.answered), name, Result.TEMPERROR)
        return answer


def _is_domain(text: str) -> bool:
    """RFC 7208 §4.3: one label is none."""
    return "." in text and _is_name(text)


def _is_name(text: str) -> bool:
    return len(text) <= 253 and all(
        _LABEL.fullmatch(label) for label in text.split(".")
    )
