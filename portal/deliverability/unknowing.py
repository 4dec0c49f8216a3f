"""What could not be asked has a reason of its own, never that of a missing record."""

from __future__ import annotations

from portal.deliverability.types import Check, CheckName, Status
from portal.net.records import Answered

_REASONS = {
    Answered.TIMEOUT: "dns_timeout",
    Answered.SERVFAIL: "dns_servfail",
    Answered.REFUSED: "dns_refused",
}


def reason_of(answered: Answered) -> str:
    return _REASONS[answered]


def unknown(check: CheckName, answered: Answered, name: str) -> Check:
    """`name` is what nobody told about."""
    return Check(
        check=check,
        status=Status.UNKNOWN,
        reasons=(reason_of(answered),),
        facts={"name": name},
    )
