"""Each night the counted quota is held against the mail that is there.

They must be the same. Where they are not it is a fault of ours: logged, audited,
and set right.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.services import audit, quota
from portal.services.actor import Actor, TenantRef
from portal.store.database import statement
from portal.store.fields import micros, now

log = logging.getLogger(__name__)

_NOTE = "quota_recount"  # the day (UTC) of the last one
# One statement, and so one moment: an accept counts and writes in one transaction.
_COUNT = f"""
    SELECT t.id, t.public_id, t.slug, t.name,
      COALESCE((SELECT c.used FROM counter c WHERE c.window_at = ?
        AND c.name = '{quota.PREFIX}' || CAST(t.id AS TEXT)), 0),
      COALESCE((SELECT c.used FROM counter c WHERE c.window_at = ?
        AND c.name = '{quota.FORGOTTEN}' || CAST(t.id AS TEXT)), 0)
      + (SELECT COUNT(*) FROM recipient r JOIN message m ON m.id = r.message_id
        WHERE m.tenant_id = t.id AND m.accepted_at >= ? AND m.accepted_at < ?
        AND {quota.COUNTED})
    FROM tenant t ORDER BY t.id"""  # noqa: S608, our own words
_TAKE = "UPDATE note SET value = ? WHERE name = ? AND value <> ?"
_FIRST = "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_LAST = "SELECT value FROM note WHERE name = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`counted` by the quota, `found` among the messages."""

    tenant: TenantRef
    month: datetime
    counted: int
    found: int


def is_due() -> bool:
    """Once a day (UTC). A new database has nothing to count; it only begins."""
    row = statement(_LAST, _NOTE).fetchone()
    return row is None or bytes(row[0]) != _today()


def differences() -> list[Difference]:
    """Of this month, and of the one that ended within a day."""
    months = {quota.month(at) for at in (now(), now() - timedelta(days=1))}
    return [each for month in sorted(months) for each in _of_month(month)]


def close(actor: Actor, *, differ: bool) -> list[Difference]:
    """End the night, in one transaction and for all processes. Where `differences`
    found some they are counted again here, and what it now comes to is set right."""
    begins = statement(_FIRST, _NOTE, _today()).rowcount
    ours = statement(_TAKE, _today(), _NOTE, _today()).rowcount
    if begins or not ours or not differ:
        return []
    found = differences()
    _mend(actor, found)
    return found


def _of_month(month: datetime) -> Iterable[Difference]:
    begin, end = micros(month), micros(quota.next_month(month))
    rows = statement(_COUNT, begin, begin, begin, end)
    for key, public_id, slug, name, counted, found in rows.fetchall():
        if counted != found:
            tenant = TenantRef(id=key, public_id=public_id, slug=slug, name=name)
            yield Difference(
                tenant=tenant, month=month, counted=int(counted), found=int(found)
            )


def _mend(actor: Actor, found: Iterable[Difference]) -> None:
    for each in found:
        month = f"{each.month:%Y-%m}"
        log.error(
            "the quota of %s in %s counted %d recipients, and there are %d: mended",
            each.tenant.slug,
            month,
            each.counted,
            each.found,
        )
        quota.correct(each.tenant, each.found - each.counted, at=each.month)
        audit.record(
            actor.within(each.tenant),
            "tenant.quota_corrected",
            subject_kind="tenant",
            subject_id=each.tenant.public_id,
            detail={"month": month, "before": each.counted, "now": each.found},
        )


def _today() -> bytes:
    return f"{now():%Y-%m-%d}".encode()
