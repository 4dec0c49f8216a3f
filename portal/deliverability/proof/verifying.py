"""One signature against the key that its domain publishes now (RFC 6376 §6.1)."""

from __future__ import annotations

import base64

from portal.crypto.verifying import is_ed25519_sha256, is_rsa_sha256
from portal.deliverability.asking import Asking
from portal.deliverability.dkim.key import Key, is_key, public_part, read
from portal.deliverability.proof.types import Outcome, Signed
from portal.deliverability.unknowing import reason_of

# In the order in which a verifier stops (RFC 6376 §6.1.2, RFC 8301).
_STOPS = (
    "dkim_revoked",
    "dkim_syntax_error",
    "dkim_wrong_version",
    "dkim_invalid_key",
    "dkim_key_too_short",
    "dkim_sha1_only",
    "dkim_service_type",
)


async def verified(
    asking: Asking, signed: Signed
) -> tuple[Outcome, str | None, Key | None]:
    """The outcome, why it is no better, and the key."""
    if signed.fault:
        return Outcome.FAILED, signed.fault, None
    name = f"{signed.selector}._domainkey.{signed.domain}"
    answer = await asking.ask(name, "TXT")
    if not answer.answered.is_known:
        return Outcome.UNKNOWN, reason_of(answer.answered), None
    texts = [text for text in answer.records if is_key(text)]
    if not texts:
        return Outcome.FAILED, "dkim_missing", None
    if len(texts) > 1:
        return Outcome.FAILED, "dkim_multiple_records", None
    key = read(texts[0])
    outcome, reason = _judged(signed, key, texts[0])
    return outcome, reason, key


def _judged(signed: Signed, key: Key, text: str) -> tuple[Outcome, str | None]:
    stop = next((each for each in _STOPS if each in key.reasons), None)
    if stop is not None:
        return Outcome.FAILED, stop
    if key.kind != signed.algorithm.partition("-")[0]:
        return Outcome.FAILED, "key_of_other_kind"
    if not _holds(signed, key.kind, text):
        return Outcome.FAILED, "header_changed"
    if signed.body_matches is None:
        return Outcome.HEADER_ONLY, "body_missing"
    if not signed.body_matches:
        return Outcome.FAILED, "body_changed"
    return Outcome.VERIFIED, None


def _holds(signed: Signed, kind: str, text: str) -> bool:
    octets = base64.b64decode(public_part(text))
    check = is_rsa_sha256 if kind == "rsa" else is_ed25519_sha256
    return check(octets, signed.value, signed.covered)
