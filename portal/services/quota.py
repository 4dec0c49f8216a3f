"""How many recipients a tenant may have accepted in a month (UTC)."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from peewee import Expression

from portal.errors import TooMany
from portal.services.actor import TenantRef
from portal.store.database import joined, statement
from portal.store.fields import micros, now
from portal.store.models import Counter

PREFIX = "quota:"
FORGOTTEN = "forgotten:"  # what retention has removed of those that count
# A recipient `r` of a message `m` that counts: not those given back, nor alerts.
COUNTED = (
    "m.origin <> 'alert' AND NOT (r.token = 0 AND r.state IN ('cancelled', 'expired'))"
)
_ENDLESS = 2**62
_QUOTA = "SELECT quota FROM tenant WHERE id = ?"
_BEGIN = (
    "INSERT INTO counter (name, window_at, used) VALUES (?, ?, 0)"
    " ON CONFLICT (name, window_at) DO NOTHING"
)
_ADD = (
    "INSERT INTO counter (name, window_at, used) VALUES (?, ?, ?)"
    " ON CONFLICT (name, window_at) DO UPDATE SET used = counter.used + ?"
)
_RESERVE = (
    "UPDATE counter SET used = used + ?"
    " WHERE name = ? AND window_at = ? AND used + ? <="
    " (SELECT coalesce(quota, ?) FROM tenant WHERE id = ?)"
)


def reserve(tenant: TenantRef, recipients: int, *, at: datetime | None = None) -> None:
    """Take them from the quota of the month of `at`, the accept, in its transaction.

    One conditional statement decides a race for the last ones. Raises TooMany.
    """
    at = at or now()
    name, begin = _name(tenant.id), micros(month(at))
    wanted = (recipients, name, begin, recipients, _ENDLESS, tenant.id)
    with joined():
        if statement(_RESERVE, *wanted).rowcount:
            return
        statement(_BEGIN, name, begin)  # the first one of a month
        if statement(_RESERVE, *wanted).rowcount:
            return
        quota = statement(_QUOTA, tenant.id).fetchone()[0]
    raise TooMany(
        f"The quota of {quota} recipients a month does not hold {recipients} more.",
        retry_after_s=max(1, ceil((next_month(at) - at).total_seconds())),
    )


def refund(tenant_id: int, recipients: int, *, at: datetime) -> None:
    """Give back what was never claimed, to the month of `at`, its accept."""
    Counter.update(used=Counter.used - recipients).where(
        _counter(tenant_id, at), Counter.used >= recipients
    ).execute()


def used(tenant: TenantRef, at: datetime | None = None) -> int:
    """Recipients accepted in the month of `at`, or in this one."""
    row = Counter.get_or_none(_counter(tenant.id, at or now()))
    return row.used if row else 0


def forget(tenant_id: int, recipients: int, *, at: datetime) -> None:
    """They counted in the month of `at`, and nothing else will tell of them."""
    _add(f"{FORGOTTEN}{tenant_id}", recipients, at)


def correct(tenant: TenantRef, by: int, *, at: datetime) -> None:
    """What the recount found beside it; by a difference, since others count too."""
    _add(_name(tenant.id), by, at)


def month(at: datetime) -> datetime:
    """Its beginning (UTC)."""
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(at: datetime) -> datetime:
    year, number = divmod(at.year * 12 + at.month, 12)
    return month(at).replace(year=year, month=number + 1)


def _add(name: str, recipients: int, at: datetime) -> None:
    statement(_ADD, name, micros(month(at)), recipients, recipients)


def _name(tenant_id: int) -> str:
    return f"{PREFIX}{tenant_id}"


def _counter(tenant_id: int, at: datetime) -> Expression:
    return (Counter.name == _name(tenant_id)) & (Counter.window_at == month(at))
