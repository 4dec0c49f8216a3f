"""A search as the engine runs it: claimed, followed door by door, settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from portal.net import special
from portal.net.guard import GuardedNet, policy_of
from portal.net.records import Dns, NameServers
from portal.net.types import Net
from portal.providers.catalogue import Catalogue
from portal.services import audit
from portal.services.actor import Actor
from portal.services.finding import Asked, Findings, Way, parse_asked
from portal.services.finding.shown import findings_json, way_json
from portal.services.installation import Installation
from portal.services.testing.settling import actor_of
from portal.services.testing.spending import hosts_left
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Search

# A search ends within finding.WITHIN_S; whoever has it longer is gone.
LOST_AFTER = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One search to run. `most_of_others` are hosts that records may name besides
    the domain's own: they count as hosts that were tested."""

    id: int
    asked: Asked
    net: Net
    dns: Dns | None
    https: Net | None
    catalogue: Catalogue
    ehlo_name: str
    most_of_others: int


def claim(installation: Installation, owner: str) -> Job | None:
    """The oldest search that waits, now this process's own."""
    waiting = Search.select().where(Search.state == "waiting").order_by(Search.id)
    for row in waiting.limit(20):
        taken = (
            Search.update(state="running", owner=owner, started_at=now())
            .where(Search.id == row.id, Search.state == "waiting")
            .execute()
        )
        if taken:
            return _job(installation, row)
    return None


def progress(job: Job, ways: Sequence[Way]) -> None:
    """Keep what was seen so far."""
    Search.update(ways=[way_json(way) for way in ways]).where(
        Search.id == job.id, Search.state == "running"
    ).execute()


def finish(installation: Installation, job: Job, found: Findings | None) -> None:
    """The end, with its audit row. None: it was interrupted."""
    outcome = findings_json(found) if found else None
    with transaction():
        ended = (
            Search.update(
                state="done",
                ended_at=now(),
                outcome=outcome,
                hosts=list(found.hosts) if found else [],
                ways=[],
            )
            .where(Search.id == job.id, Search.state == "running")
            .execute()
        )
        row = Search.get_or_none(Search.id == job.id)
        if ended and row is not None:
            _record(actor_of(installation, row.tenant_id, row.person_id), row, found)


def tidy() -> None:
    """Forget yesterday's searches, and end those whose process is gone."""
    Search.delete().where(Search.created_at < now() - FORGOTTEN_AFTER).execute()
    Search.update(state="done", ended_at=now()).where(
        Search.state == "running", Search.started_at < now() - LOST_AFTER
    ).execute()


def _job(installation: Installation, row: Search) -> Job:
    settings, asked = installation.settings, parse_asked(row.asked)
    # What only an inner network knows is not asked of its name servers: the answer
    # would tell a tenant what is there.
    is_inner = special.is_inner_name(asked.domain)
    return Job(
        id=row.id,
        asked=asked,
        net=GuardedNet(policy_of(settings)),
        dns=None if is_inner else NameServers(server=settings.dns, rounds=1),
        https=None if is_inner else GuardedNet(policy_of(settings, https=True)),
        catalogue=installation.catalogue,
        ehlo_name=settings.ehlo_name,
        most_of_others=hosts_left(installation, row.tenant_id),
    )


def _record(actor: Actor, row: Search, found: Findings | None) -> None:
    proposal = found.proposal if found else None
    audit.record(
        actor,
        "sender.tested",
        detail={
            "search": row.asked,
            "hosts": row.hosts,
            "host": proposal.host if proposal else None,
            "port": proposal.port if proposal else None,
            "status": "found" if proposal else "nothing found",
        },
    )
