"""The one place that turns a failure into advice."""

from __future__ import annotations

import re

from portal.diagnosis import words
from portal.diagnosis.reading import Reading, read
from portal.diagnosis.repairs import mends
from portal.diagnosis.rules import Book, Cause, Rule, book, causes
from portal.diagnosis.types import Diagnosis, Evidence, HintRule, ProviderHints

_QUITE_SURE = 0.8
_NO_RIGHT = "sender_not_authorised"


def explain(
    evidence: Evidence, hints: ProviderHints | None = None, *, by: Book | None = None
) -> Diagnosis:
    """Always an answer; where nothing is known it says so, and guesses nothing."""
    by = by or book()
    reading = read(evidence, by.vocabulary)
    rule = by.first_fitting(reading)
    provider_rule = _provider_rule(reading, hints)
    cause, sure = _decided(rule, provider_rule, hints)
    own = rule if cause == rule.cause else None
    known = causes()[cause]
    title = (own and own.title) or known.title
    meaning = (own and own.meaning) or known.meaning
    remedy = evidence.remedy and _allowing(evidence.remedy)
    remedy = remedy or (own and own.remedy) or known.remedy
    others = [*rule.alternatives] if own else [rule.cause, *rule.alternatives]
    return Diagnosis(
        cause=cause,
        confidence=sure if reading.stage else round(sure * 0.9, 2),
        temporary=_is_temporary(known, reading),
        title=words.filled(title, evidence, hints),
        meaning=words.meant(
            words.filled(meaning, evidence, hints), provider_rule, hints
        ),
        remedy=words.advised(words.filled(remedy, evidence, hints), cause, hints),
        evidence={
            "code": reading.code,
            "enhanced": reading.enhanced,
            "text": evidence.text,
            "stage": evidence.stage,
        },
        repairs=mends(cause, evidence),
        alternatives=tuple(other for other in others if other != cause),
        docs=hints.docs if hints else None,
        stage=evidence.stage,
    )


def _provider_rule(reading: Reading, hints: ProviderHints | None) -> HintRule | None:
    if reading.kind in ("forbidden", "internal"):
        return None
    for rule in hints.rules if hints else ():
        if rule.code not in (None, reading.code) and reading.code is not None:
            continue
        if re.search(rule.match, reading.words, re.IGNORECASE):
            return rule
    return None


def _decided(
    rule: Rule, provider_rule: HintRule | None, hints: ProviderHints | None
) -> tuple[str, float]:
    """A provider's wording decides where ours are general, and always about senders:
    whether an address needs a right or a verification differs by provider."""
    if provider_rule and provider_rule.cause:
        if rule.sure < _QUITE_SURE or provider_rule.kind == "from":
            return provider_rule.cause, 0.9
    elif hints and hints.refused_sender and rule.cause == _NO_RIGHT:
        return hints.refused_sender, rule.sure
    return rule.cause, rule.sure


def _allowing(setting: str) -> str:
    return (
        f"If this relay is yours, set {setting} in the environment of the portal and "
        "start it again; then test once more."
    )


def _is_temporary(cause: Cause, reading: Reading) -> bool:
    """RFC 5321 §4.2.1: the class says whether it may work later, except where
    “later” mends nothing: a wrong password stays wrong."""
    if reading.permanence == "4" and not cause.stays:
        return True
    return cause.temporary
