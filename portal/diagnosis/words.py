"""A diagnosis in words: names filled in, a provider's advice added, JSON."""

from __future__ import annotations

import re
from typing import Any

from portal.diagnosis.types import (
    Diagnosis,
    Evidence,
    HintRule,
    ProviderHints,
    Repair,
)

_SIGN_IN = frozenset({"auth_bad_credentials", "auth_app_password_required"})
_SENDER = frozenset({"sender_not_authorised", "sender_domain_unverified"})


def filled(words: str, evidence: Evidence, hints: ProviderHints | None) -> str:
    """The words of a cause with this relay's names; capitals begin a sentence."""
    port = f"port {evidence.port}" if evidence.port else "this port"
    names = {
        "host": evidence.host or "the relay",
        "Host": evidence.host or "The relay’s machine",
        "port": port,
        "Port": port.capitalize(),
        "provider": hints.name if hints else "the provider",
        "Provider": hints.name if hints else "The provider",
        "words": evidence.text,
    }
    return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], words)


def meant(words: str, rule: HintRule | None, hints: ProviderHints | None) -> str:
    """The meaning, and what the provider means by exactly these words."""
    if rule is None or hints is None:
        return words
    return f"{words} With {hints.name}, these words stand for: {rule.meaning}."


def advised(words: str, cause: str, hints: ProviderHints | None) -> str:
    """The remedy, and where at this provider things are found."""
    if hints is None:
        return words
    more: list[str] = []
    if cause in _SIGN_IN and hints.username_hint:
        more.append(f"User name with {hints.name}: {_sentence(hints.username_hint)}")
    if cause in _SIGN_IN and hints.password_hint:
        more.append(f"Secret: {_sentence(hints.password_hint)}")
    if cause in _SENDER and hints.from_hint:
        more.append(f"With {hints.name}: {_sentence(hints.from_hint)}")
    if told := hints.advice.get(cause):
        more.append(_sentence(told))
    return " ".join([words, *more])


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The shape that commands, the API and stored rows share."""
    return {
        "cause": diagnosis.cause,
        "confidence": diagnosis.confidence,
        "temporary": diagnosis.temporary,
        "title": diagnosis.title,
        "meaning": diagnosis.meaning,
        "remedy": diagnosis.remedy,
        "repairs": [repair_json(each) for each in diagnosis.repairs],
        "evidence": dict(diagnosis.evidence),
        "alternatives": list(diagnosis.alternatives),
        "docs": diagnosis.docs,
    }


def repair_json(repair: Repair) -> dict[str, Any]:
    """`said` is there where something was tried."""
    found = {"set": dict(repair.set), "label": repair.label, "tested": repair.tested}
    return {**found, "said": repair.said} if repair.said else found


def _sentence(words: str) -> str:
    return words if words.endswith(".") else f"{words}."
