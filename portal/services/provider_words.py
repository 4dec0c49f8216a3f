"""What the catalogue advises about a cause: limits, trials, allow-lists, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from portal.providers.types import Limits, Provider

_PACE = ("too_many_connections", "rate_limited", "quota_exceeded")


def advice(provider: Provider) -> Mapping[str, str]:
    """Whole sentences by cause, for those that this provider has a word on."""
    return dict(_advice(provider))


def _advice(provider: Provider) -> Iterator[tuple[str, str]]:
    limits = provider.limits
    pace = ", ".join(_pace(limits))
    if pace:
        yield from ((cause, f"Limits of {provider.name}: {pace}.") for cause in _PACE)
    if limits.message_size_mb:
        taken = f"{provider.name} takes messages of {limits.message_size_mb} MB."
        yield "message_too_large", taken
    if limits.recipients_per_message:
        most = f"{limits.recipients_per_message} recipients a message"
        yield "too_many_recipients", f"{provider.name} takes {most}."
    if provider.trial:
        yield "sandbox_restricted", f"With {provider.name}: {provider.trial}"
    if provider.auth_notes:
        told = f"With {provider.name}: {provider.auth_notes}"
        yield "auth_basic_disabled_by_provider", told
    if provider.allow_list and provider.allow_list.required:
        steps = " ".join(provider.allow_list.steps)
        yield "relay_denied_ip_not_allowed", f"With {provider.name}: {steps}"


def _pace(limits: Limits) -> Iterator[str]:
    for most, every in (
        (limits.per_second, "a second"),
        (limits.per_minute, "a minute"),
        (limits.per_hour, "an hour"),
        (limits.per_day, "a day"),
    ):
        if most:
            is_short = re.fullmatch(r"\d+( \w+)?", most)
            yield f"{most} {every}" if is_short else f"{every}: {most}"
    if limits.connections:
        yield f"{limits.connections} connections"
