"""What the catalogue advises about a cause: limits, trials, allow-lists, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from portal.providers.types import Limits, Provider

# Which of the steps to a first token a cause is about.
_STEPS = {
    "oauth_client_misconfigured": re.compile(
        r"\bsecret|credential|register|account", re.I
    ),
    "oauth_consent_or_scope_missing": re.compile(
        r"permission|scope|consent|delegation", re.I
    ),
}
_MOST_STEPS = 2
_PACE = ("too_many_connections", "rate_limited", "quota_exceeded")


def advice(provider: Provider) -> Mapping[str, str]:
    """Whole sentences by cause, for those that this provider has a word on."""
    return dict(_advice(provider))


def doubted(provider: Provider, part: str, sentence: str) -> str:
    """The sentence, marked where what it tells is documented and may differ by now."""
    if not provider.is_unsure(part):
        return sentence
    return f"{sentence.removesuffix('.')} (documented, may differ)."


def _advice(provider: Provider) -> Iterator[tuple[str, str]]:
    for part, cause, sentence in _told(provider):
        yield cause, doubted(provider, part, sentence)


def _told(provider: Provider) -> Iterator[tuple[str, str, str]]:
    """The part of the catalogue, the cause, and a sentence from the one on the other."""
    limits = provider.limits
    pace = ", ".join(_pace(limits))
    if pace:
        told = f"Limits of {provider.name}: {pace}."
        yield from (("limits", cause, told) for cause in _PACE)
    if limits.message_size_mb:
        taken = f"{provider.name} takes messages of {limits.message_size_mb} MB."
        yield "limits", "message_too_large", taken
    if limits.recipients_per_message:
        most = f"{limits.recipients_per_message} recipients a message"
        yield "limits", "too_many_recipients", f"{provider.name} takes {most}."
    if provider.trial:
        told = f"With {provider.name}: {provider.trial}"
        yield "trial", "sandbox_restricted", told
    if provider.auth_notes:
        told = f"With {provider.name}: {provider.auth_notes}"
        yield "auth", "auth_basic_disabled_by_provider", told
    yield from _of_oauth(provider)
    if provider.allow_list and provider.allow_list.required:
        told = f"With {provider.name}: {' '.join(provider.allow_list.steps)}"
        yield "allow_list", "relay_denied_ip_not_allowed", told


def _of_oauth(provider: Provider) -> Iterator[tuple[str, str, str]]:
    """Where in the console, for the grant that the catalogue prefers."""
    if provider.oauth is None:
        return
    steps = next(iter(provider.oauth.steps.values()), ())
    for cause, about in _STEPS.items():
        fitting = [step for step in steps if about.search(step)][:_MOST_STEPS]
        if fitting:
            yield "oauth", cause, f"With {provider.name}: {' '.join(fitting)}"


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
