"""What a live test proves, as one keyed digest: settings and secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from portal.secret import Secret
from portal.services.senders.fields import SIGNING_KEY, UNTESTED, SenderFields
from portal.store.vault import Vault


def digest(
    vault: Vault, tenant_id: int, fields: SenderFields, secrets: Mapping[str, Secret]
) -> str:
    """Equal for a test and a version with the same settings and secrets.

    The key that signs mail is not in it: it is made after the test, and a relay
    does not tell whether it likes the signature. Keyed, so that the column tells nothing about a short password; the tenant is
    in it, so that two tenants never learn that they share one.
    """
    tested = {
        name: value for name, value in fields.settings().items() if name not in UNTESTED
    }
    plain = {
        name: secret.reveal() for name, secret in secrets.items() if name != SIGNING_KEY
    }
    return keyed(vault, json.dumps([tenant_id, tested, plain], sort_keys=True))


def keyed(vault: Vault, text: str) -> str:
    """64 hexadecimal digits that mean nothing without the key. Raises `Locked`."""
    key = vault.derive("digest of settings and secrets")
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
