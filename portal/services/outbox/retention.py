"""Old mail that is settled is forgotten: its content first, then its rows.

Never what somebody may still have to decide: an uncertain recipient, or an
attempt whose dot nobody answered (outbox §5). Audit rows stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from portal.services import quota
from portal.services.outbox.rows import moment
from portal.services.outbox.sql import fetch, places
from portal.store.database import locking, statement
from portal.store.fields import instant, micros

BATCH = 200

_OLD = (
    "SELECT m.id FROM message m WHERE m.tenant_id = ? AND m.accepted_at < ?"
    " AND m.settled_at < ? AND NOT EXISTS (SELECT 1 FROM recipient r"
    " WHERE r.message_id = m.id"
    " AND r.state NOT IN ('sent', 'failed', 'expired', 'cancelled'))"
    " AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = m.id"
    " AND a.dot_at IS NOT NULL AND a.answer IS NULL)"
    " ORDER BY m.accepted_at LIMIT ?"
)
_COUNTED = f"""
    SELECT m.accepted_at, COUNT(*) FROM recipient r JOIN message m
    ON m.id = r.message_id WHERE m.id IN ({{here}}) AND {quota.COUNTED}
    GROUP BY m.accepted_at"""  # noqa: S608, our own words
_TENANTS = "SELECT id FROM tenant ORDER BY id"


def sweep(days: int) -> int:
    """One batch of each tenant; how many messages are gone with it."""
    before = micros(moment() - timedelta(days=days))
    return sum(_forget(row[0], before) for row in fetch(_TENANTS))


def _forget(tenant_id: int, before: int) -> int:
    sql = _OLD + (" FOR UPDATE SKIP LOCKED" if locking() else "")
    ids = [row[0] for row in fetch(sql, tenant_id, before, before, BATCH)]
    if not ids:
        return 0
    here = places(ids)
    _tell_quota(tenant_id, ids)
    statement(f"DELETE FROM message_content WHERE message_id IN ({here})", *ids)  # noqa: S608
    statement(f"DELETE FROM attempt WHERE message_id IN ({here})", *ids)  # noqa: S608
    statement(f"DELETE FROM recipient WHERE message_id IN ({here})", *ids)  # noqa: S608
    return int(statement(f"DELETE FROM message WHERE id IN ({here})", *ids).rowcount)  # noqa: S608


def _tell_quota(tenant_id: int, ids: Sequence[int]) -> None:
    """The recount of a month must know how many of its mails are gone."""
    months: Counter[datetime] = Counter()
    for accepted_at, count in fetch(_COUNTED.format(here=places(ids)), *ids):
        months[quota.month(instant(accepted_at))] += count
    for month, count in months.items():
        quota.forget(tenant_id, count, at=month)
