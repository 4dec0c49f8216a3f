"""A search as its page shows it, while it runs and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.errors import Missing
from portal.services.actor import Actor, Role
from portal.services.finding import Findings, Way, parse_asked
from portal.services.finding.shown import read_findings, read_way
from portal.store.fields import now
from portal.store.models import Search

OVERDUE_AFTER = timedelta(seconds=10)
NO_SEARCH = "There is no such search, or it is older than a day."


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """`ways` grow while it runs; `findings` are there when it is over, unless it was
    interrupted. `overdue`: no engine has taken it yet."""

    id: str
    asked: str
    state: str
    overdue: bool
    ways: tuple[Way, ...]
    findings: Findings | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_final(self) -> bool:
        return self.state == "done"

    @property
    def answering(self) -> tuple[Way, ...]:
        return tuple(way for way in self.ways if way.answers)


def read(actor: Actor, search_id: str) -> SearchView:
    """Raises Missing."""
    actor.require(Role.VIEWER)
    row: Search | None = Search.get_or_none(
        Search.public_id == search_id, Search.tenant == actor.here.id
    )
    if row is None:
        raise Missing(NO_SEARCH)
    found = read_findings(row.outcome, parse_asked(row.asked)) if row.outcome else None
    return SearchView(
        id=row.public_id,
        asked=row.asked,
        state=row.state,
        overdue=row.state == "waiting" and row.created_at < now() - OVERDUE_AFTER,
        ways=found.ways if found else tuple(map(read_way, row.ways)),
        findings=found,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
