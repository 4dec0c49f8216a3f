"""What the catalogue knows, in the forms that diagnosis and pages ask for.

Used by commands without a database: nothing of the store is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.delivery.types import (
    Failure,
    FailureKind,
    Outcome,
    RecipientStatus,
    Relay,
    Stage,
)
from portal.diagnosis.explain import explain
from portal.diagnosis.types import Diagnosis, Evidence, HintRule, ProviderHints
from portal.providers.catalogue import Catalogue
from portal.providers.types import OAuthFacts, Provider, Rule, UsernameRule
from portal.services.provider_words import advice, doubted

_CAUSES = {
    "auth": "auth_bad_credentials",
    "rate": "rate_limited",
    "tls": "starttls_required",
    "ip": "relay_denied_ip_not_allowed",
    "trial": "sandbox_restricted",
    "size": "message_too_large",
    "connect": "connection_refused",
}
_SURE = 0.8  # below it, a cause is the likeliest of its stage and no more
_VERIFIED_FIRST = frozenset({"domain", "domain_or_address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What fills a new sender's form: `values` are fields of a sender."""

    provider: str
    values: Mapping[str, Any] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    oauth: OAuthFacts | None = None


def preset(
    catalogue: Catalogue, provider_id: str, *, region: str | None = None
) -> Preset:
    """Raises KeyError for an id that the catalogue does not have."""
    provider = catalogue.get(provider_id)
    if provider is None:
        raise KeyError(provider_id)
    values: dict[str, Any] = {"provider": provider.id, "auth": _mode(provider)}
    host = provider.host_in(region)
    if host:
        values["host"] = host
    found = next((each for each in provider.hosts if each.host == host), None)
    if region or (found and found.region):
        values["region"] = region or (found.region or "" if found else "")
    if provider.recommended:
        values["port"] = provider.recommended.port
        values["security"] = provider.recommended.security
    if provider.username_rule is UsernameRule.LITERAL and provider.username_value:
        values["username"] = provider.username_value
    if provider.limits.pacing:
        values["pacing"] = dict(provider.limits.pacing)
    if provider.oauth and values["auth"] == "oauth2":
        values["oauth"] = oauth_preset(provider.oauth)
    return Preset(
        provider=provider.id,
        values=values,
        regions=provider.regions,
        oauth=provider.oauth,
    )


def password_mode(catalogue: Catalogue, provider_id: str) -> str:
    """The way to sign in with a secret of one line: a password or an API key."""
    provider = catalogue.get(provider_id)
    ways = provider.auth_methods if provider else ()
    return next((way for way in ways if way in ("password", "api_key")), "password")


def oauth_preset(facts: OAuthFacts, grant: str | None = None) -> dict[str, str]:
    """What fills the OAuth part for a grant, by default the provider's preferred."""
    chosen = next((each for each in facts.grants if each == grant), facts.grants[0])
    found = {
        "grant": chosen,
        "token_url": facts.token_url,
        "scope": facts.scopes.get(chosen, ""),
    }
    if chosen == "refresh_token" and facts.authorize_url:
        found["authorize_url"] = facts.authorize_url
    return found


def hints(catalogue: Catalogue, provider_id: str | None) -> ProviderHints | None:
    """What diagnosis may say about this provider; None for one it does not know."""
    provider = catalogue.get(provider_id) if provider_id else None
    if provider is None or provider.id == "sandbox":
        return None
    return ProviderHints(
        name=provider.name if provider.id != "generic_smtp" else "your own server",
        username_hint=_username_hint(provider),
        password_hint=provider.secret_hint,
        from_hint=provider.from_hint,
        refused_sender=_refused_sender(provider),
        rules=tuple(_hint_rule(rule, provider) for rule in provider.rules),
        advice=advice(provider),
        docs=provider.docs[0] if provider.docs else None,
    )


def refused_consent(told: str) -> tuple[str, ...]:
    """What it means that nobody allowed us to send, and what to do, if that is known."""
    found = explain(Evidence(text=told, stage=Stage.OAUTH_TOKEN.value))
    return (found.meaning, found.remedy) if found.confidence >= _SURE else ()


def diagnose(
    outcome: Outcome, relay: Relay | None, hints: ProviderHints | None
) -> Diagnosis | None:
    """Why it was not sent, or not to everybody; None where nothing failed."""
    failure = outcome.failure
    if failure is None:
        return _of_refused(outcome, relay, hints)
    if failure.kind is FailureKind.WITHDRAWN:
        return None
    return explain(_evidence(failure, outcome, relay), hints)


def _evidence(failure: Failure, outcome: Outcome, relay: Relay | None) -> Evidence:
    reply = failure.reply
    tls = outcome.facts.tls
    return Evidence(
        text=_words(failure),
        stage=failure.stage.value,
        code=reply.code if reply else None,
        enhanced=reply.enhanced if reply else None,
        exception=failure.exception,
        host=relay.host if relay else None,
        port=relay.port if relay else None,
        security=relay.security if relay else None,
        auth=relay.auth if relay else None,
        ehlo=outcome.facts.ehlo,
        tls_subject=tls.subject if tls else None,
        tls_issuer=tls.issuer if tls else None,
        remedy=failure.remedy,
        kind=failure.kind,
        phase=failure.phase,
    )


def _words(failure: Failure) -> str:
    """The relay's, without the code, and what it said of the reason beside them."""
    reply = failure.reply
    if reply is None or failure.kind is not FailureKind.REPLY:
        return failure.words
    if failure.words.startswith(str(reply)):
        return failure.words.removeprefix(f"{reply.code} ")
    return reply.text


def _of_refused(
    outcome: Outcome, relay: Relay | None, hints: ProviderHints | None
) -> Diagnosis | None:
    """The others went on, but these recipients were refused: the first tells."""
    for result in outcome.recipients:
        ended = result.status in (RecipientStatus.FAILED, RecipientStatus.DEFERRED)
        if ended and result.reply:
            refused = Failure(
                stage=Stage.RCPT_TO,
                kind=FailureKind.REPLY,
                words=str(result.reply),
                reply=result.reply,
            )
            return explain(_evidence(refused, outcome, relay), hints)
    return None


def _mode(provider: Provider) -> str:
    return provider.auth_methods[0]


def _hint_rule(rule: Rule, provider: Provider) -> HintRule:
    cause = _CAUSES.get(rule.kind)
    if rule.kind == "from":
        cause = _refused_sender(provider)
    return HintRule(
        match=rule.match,
        meaning=doubted(provider, "rules", rule.meaning).removesuffix("."),
        kind=rule.kind,
        cause=cause,
        code=rule.code,
        enhanced=rule.enhanced,
    )


def _refused_sender(provider: Provider) -> str:
    verified_first = provider.from_verify in _VERIFIED_FIRST
    return "sender_domain_unverified" if verified_first else "sender_not_authorised"


def _username_hint(provider: Provider) -> str | None:
    if provider.username_rule is UsernameRule.LITERAL:
        return f"always the word “{provider.username_value}”"
    if provider.username_rule is UsernameRule.SERVER_TOKEN:
        return "the same value as the secret"
    return provider.username_hint
