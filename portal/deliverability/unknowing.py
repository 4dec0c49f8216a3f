"""What could not be asked has a reason of its own, never that of a missing record."""

from __future__ import annotations

from portal.deliverability.types import Check, CheckName, Status
from portal.net.records import Answered


def reason_of(answered: Answered) -> str:
    """`dns_timeout`, `dns_servfail` or `dns_refused`."""
    return f"dns_{answered.value}"


def unknown(check: CheckName, answered: Answered, name: str) -> Check:
    """`name` is what nobody told about."""
    return Check(
        check=check,
        status=Status.UNKNOWN,
        reasons=(reason_of(answered),),
        facts={"name": name},
    )
