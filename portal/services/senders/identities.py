"""Who mail is from: of one version, and of a tenant's newest sender.

Every accepted mail asks here, so in SQL of its own; what the same settings say is
worked out once.
"""

from __future__ import annotations

import json
from functools import lru_cache

from portal.mail.types import Identity
from portal.services.senders.fields import stored_fields
from portal.services.senders.making import identity_of
from portal.store.database import statement

KNOWN = 256  # identities kept
_OF_VERSION = "SELECT CAST(settings AS TEXT) FROM sender_version WHERE id = ?"
_NEWEST = (
    "SELECT CAST(v.settings AS TEXT) FROM sender_version v"
    " JOIN sender s ON s.id = v.sender_id"
    " WHERE s.tenant_id = ? AND s.deleted_at IS NULL ORDER BY v.id DESC LIMIT 1"
)


def version_identity(version_id: int | None) -> Identity | None:
    """Without the key that signs. None where there is no such version."""
    return _read(_OF_VERSION, version_id)


def newest_identity(tenant_id: int) -> Identity | None:
    """Who the tenant's newest sender is; None where it has none."""
    return _read(_NEWEST, tenant_id)


def _read(sql: str, key: int | None) -> Identity | None:
    row = statement(sql, key).fetchone()
    return None if row is None else _said(row[0])


@lru_cache(KNOWN)
def _said(settings: str) -> Identity:
    """By their text and not by the version's number: that is one of many databases,
    and these are the same in all."""
    return identity_of(stored_fields(json.loads(settings)))
