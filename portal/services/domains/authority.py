"""What the name servers of a zone say themselves, beside what the resolver remembers.

A request of its own, never part of a report: it asks up to three name servers of each
zone, as far as a tenant may make the portal talk to them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from portal.deliverability.asking import Asking
from portal.deliverability.types import CheckName
from portal.net.guard import GuardedNet, policy_of
from portal.net.records import Answered, Dns, Kind, NameServers, Records
from portal.net.special import is_inner_name
from portal.net.types import Net, NetFailure
from portal.services import limits
from portal.services.actor import Actor, Role
from portal.services.domains.subjects import Outward
from portal.services.domains.types import CheckView, DomainView
from portal.services.reasons.words import plain

MOST_NAMES, MOST_SERVERS = 12, 3
LONGEST, MOST_RECORDS = 1000, 8  # that are shown of an answer
MOST_LABELS = 5  # between a name and its zone
COMPARISONS, WINDOW_S = 4, 60
PATIENCE_S = 6.0  # for the resolver; the name servers have two seconds after that
SERVER_S = 2.0
_BELOW = {CheckName.MTA_STS: "_mta-sts", CheckName.TLS_RPT: "_smtp._tls"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`beginning`: only records that begin so are about the check."""

    label: str
    name: str
    kind: Kind
    beginning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: `by` a name server, or the resolver where it is empty. An alias is
    its own answer (`CNAME target`). `failure` says why there is none."""

    by: str = ""
    answered: Answered
    records: tuple[str, ...] = ()
    failure: str | None = None

    @property
    def is_known(self) -> bool:
        return self.answered.is_known

    @property
    def shown(self) -> tuple[str, ...]:
        """The records as far as anybody reads them; they are compared as a whole."""
        return tuple(
            plain(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
            for text in self.records[:MOST_RECORDS]
        )

    @property
    def left_out(self) -> int:
        return max(len(self.records) - MOST_RECORDS, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One name. `ttl_s`: how long the resolver may go on with what it says."""

    question: Question
    zone: str
    resolver: Said
    servers: tuple[Said, ...]
    ttl_s: int | None

    @property
    def asked(self) -> tuple[Said, ...]:
        """The name servers that answered."""
        return tuple(each for each in self.servers if each.is_known)

    @property
    def is_split(self) -> bool:
        """The name servers of the zone do not agree among themselves."""
        return len({_told(each) for each in self.asked}) > 1

    @property
    def agrees(self) -> bool:
        return bool(self.asked) and not self.differs

    @property
    def differs(self) -> bool:
        """Also where a resolver that could not answer says nothing."""
        if self.is_split:
            return True
        return any(_told(each) != _told(self.resolver) for each in self.asked)

    @property
    def is_published(self) -> bool:
        """All name servers have it, and the resolver remembers something else."""
        return self.differs and not self.is_split and self.resolver.is_known

    @property
    def left_min(self) -> int | None:
        """Minutes, rounded up."""
        return None if self.ttl_s is None else max(1, math.ceil(self.ttl_s / 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    rows: tuple[Compared, ...]

    @property
    def differing(self) -> tuple[Compared, ...]:
        return tuple(each for each in self.rows if each.differs)

    @property
    def ahead(self) -> tuple[str, ...]:
        """What the zone says already and resolvers do not know yet, by its label."""
        rows = (each for each in self.differing if each.is_published)
        return tuple(dict.fromkeys(each.question.label for each in rows))

    @property
    def left_min(self) -> int | None:
        """Until the last resolver knows; None where it is not known of each."""
        known = [each.left_min for each in self.differing if each.is_published]
        return None if None in known else max(filter(None, known), default=None)

    @property
    def unanswered(self) -> tuple[Compared, ...]:
        return tuple(each for each in self.rows if not each.asked)

    @property
    def failures(self) -> tuple[str, ...]:
        """Why, each once: name server and words."""
        said = [
            f"{each.by}: {each.failure}"
            for row in self.unanswered
            for each in row.servers
        ]
        silent = [
            f"{row.zone} names no name server."
            for row in self.unanswered
            if not row.servers
        ]
        return tuple(dict.fromkeys((*said, *silent)))


def compare(actor: Actor, view: DomainView) -> Comparison:
    """Takes some seconds. Raises Forbidden and TooMany."""
    actor.require(Role.ADMIN)
    here = actor.installation
    limits.spend(
        here,
        f"domain-authority:{actor.here.public_id}",
        limit=COMPARISONS,
        window_s=WINDOW_S,
        sentence="The name servers were asked several times just now. Ask {when}.",
    )
    port = here.name_server_port
    policy = policy_of(here.settings, forbidden_s=SERVER_S)
    net = GuardedNet(replace(policy, ports=frozenset({port})))
    dns = Outward(here.settings.dns, rounds=1)
    return asyncio.run(compared(questions(view), dns, net, port))


def questions(view: DomainView) -> tuple[Question, ...]:
    """The names that the checks of this sender are about."""
    checks = {each.check: each for each in view.checks}
    found = {
        (each.name, each.kind): each
        for each in _questions(view, checks)
        if "{" not in each.name and not is_inner_name(each.name)
    }
    return tuple(found.values())[:MOST_NAMES]


async def compared(
    asked: Iterable[Question], dns: Dns, net: Net, port: int
) -> Comparison:
    """`net` judges the addresses of the name servers, `port` is theirs."""
    async with Asking(dns, patience_s=PATIENCE_S) as asking:
        rows = await asyncio.gather(*(_one(asking, net, port, q) for q in asked))
    return Comparison(rows=tuple(rows))


def _questions(
    view: DomainView, checks: Mapping[CheckName, CheckView]
) -> Iterator[Question]:
    domain = view.domain
    if spf := _host(view, checks.get(CheckName.SPF)):
        yield Question(label="SPF", name=spf, kind="TXT", beginning="v=spf1")
    for name in _keys(checks.get(CheckName.DKIM)):
        yield Question(label="DKIM", name=name, kind="TXT")
    yield Question(
        label="DMARC", name=f"_dmarc.{domain}", kind="TXT", beginning="v=dmarc1"
    )
    yield Question(label="MX", name=domain, kind="MX")
    for check, label in _BELOW.items():
        if check in checks:
            yield Question(
                label=checks[check].label, name=f"{label}.{domain}", kind="TXT"
            )


def _host(view: DomainView, spf: CheckView | None) -> str | None:
    """Where SPF is asked for; None where the provider uses a domain of its own."""
    told = spf.facts.get("host") if spf else None
    return str(told) if told else view.envelope_domain


def _keys(dkim: CheckView | None) -> list[str]:
    selectors = (dkim.facts.get("selectors") or ()) if dkim else ()
    told = [str(each["name"]) for each in selectors if each.get("name")]
    told += [fix.name for fix in dkim.fixes] if dkim else []
    return told


async def _one(asking: Asking, net: Net, port: int, question: Question) -> Compared:
    cached, zone = await asyncio.gather(
        asking.ask(question.name, question.kind), _zone(asking, question.name)
    )
    servers = await asking.ask(zone, "NS")
    said = await asyncio.gather(
        *(_said(net, port, each, question) for each in servers.records[:MOST_SERVERS])
    )
    return Compared(
        question=question,
        zone=zone,
        resolver=_read(cached, question),
        servers=tuple(said),
        ttl_s=cached.ttl_s,
    )


async def _zone(asking: Asking, name: str) -> str:
    """The zone that answers for a name itself, not for where an alias of it leads."""
    here = name
    for _ in range(MOST_LABELS):
        answer = await asking.ask(here, "SOA")
        if answer.answered is Answered.OK and not answer.aliases:
            return here
        if answer.zone and f".{name}".endswith(f".{answer.zone}"):
            return answer.zone
        here = here.partition(".")[2]
        if "." not in here:
            break
    return name


async def _said(net: Net, port: int, server: str, question: Question) -> Said:
    found = await net.find(server, port, timeout_s=SERVER_S)
    if isinstance(found, NetFailure):
        return Said(by=server, answered=Answered.REFUSED, failure=found.words)
    # IPv4 first: not every portal has the other.
    first = min(found.addresses, key=lambda each: ip_address(str(each)).version)
    asked = NameServers((str(first), port), timeout_s=SERVER_S, rounds=1)
    answer = await asked.ask(question.name, question.kind)
    return replace(_read(answer, question), by=server)


def _read(answer: Records, question: Question) -> Said:
    """An alias counts as soon as it is there: where it leads is another zone's."""
    if answer.aliases:
        told: tuple[str, ...] = (f"CNAME {answer.aliases[0]}",)
        return Said(answered=Answered.OK, records=told)
    records = tuple(
        sorted(
            text
            for text in answer.records
            if text.lower().startswith(question.beginning)
        )
    )
    failure = None if answer.answered.is_known else _FAILURES[answer.answered]
    return Said(answered=answer.answered, records=records, failure=failure)


def _told(said: Said) -> tuple[str, ...] | None:
    """None: nothing, which is not the same as no record."""
    return said.records if said.is_known else None


_FAILURES = {
    Answered.TIMEOUT: "It did not answer in time.",
    Answered.SERVFAIL: "It answered SERVFAIL.",
    Answered.REFUSED: "It refused to answer.",
}
