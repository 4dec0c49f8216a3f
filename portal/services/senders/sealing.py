"""The secrets of a version: sealed to their row, opened as late as possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from portal.crypto.seal import CannotOpen
from portal.errors import Unavailable
from portal.secret import Secret
from portal.services.senders.fields import SenderFields, stored_fields
from portal.services.senders.keeping import kept
from portal.store.models import SenderSecret, SenderVersion
from portal.store.vault import Vault

DAMAGED = "The stored secret of this sender does not open any more. Type it again."
TABLE, COLUMN = "sender_secret", "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who typed a secret and when; a version that keeps it keeps this too."""

    at: datetime
    by: str | None


def seal_secrets(
    vault: Vault,
    version: SenderVersion,
    secrets: Mapping[str, Secret],
    stamps: Mapping[str, Stamp],
) -> None:
    """Write the secrets of a new version, inside the caller's transaction."""
    sender = version.sender
    for name, secret in secrets.items():
        SenderSecret.create(
            version=version,
            field=name,
            sealed=vault.seal(
                secret.reveal(),
                tenant=str(sender.tenant_id),
                table=TABLE,
                column=COLUMN,
                row=_row(version, name),
                version=version.number,
            ),
            created_at=stamps[name].at,
            created_by=stamps[name].by,
        )


def read_stamps(version: SenderVersion) -> dict[str, Stamp]:
    """When each secret of a version was typed; opens none."""
    rows = SenderSecret.select(
        SenderSecret.field, SenderSecret.created_at, SenderSecret.created_by
    ).where(SenderSecret.version == version)
    return {row.field: Stamp(at=row.created_at, by=row.created_by) for row in rows}


def open_secrets(
    vault: Vault, version: SenderVersion, *, only: Iterable[str] | None = None
) -> dict[str, Secret]:
    """Every secret of a version, or `only` those of these names.

    Raises `Locked` when the key does not fit, Unavailable when a blob was altered.
    """
    rows = SenderSecret.select().where(SenderSecret.version == version)
    if only is not None:
        rows = rows.where(SenderSecret.field.in_(tuple(only)))
    return {row.field: _open(vault, version, row) for row in rows}


def open_kept(
    vault: Vault, fields: SenderFields, version: SenderVersion | None
) -> dict[str, Secret]:
    """The secrets of a version that these fields go on with; raises as above."""
    if version is None:
        return {}
    before, stored = stored_fields(version.settings), read_stamps(version)
    names = kept(fields, before, stored)
    return open_secrets(vault, version, only=names) if names else {}


def _open(vault: Vault, version: SenderVersion, row: SenderSecret) -> Secret:
    try:
        text = vault.open(
            bytes(row.sealed),
            tenant=str(version.sender.tenant_id),
            table=TABLE,
            column=COLUMN,
            row=_row(version, row.field),
            version=version.number,
        )
    except CannotOpen:
        raise Unavailable(DAMAGED) from None
    return Secret(text)


def _row(version: SenderVersion, field: str) -> str:
    # Known before the row is written, and as unique as its key.
    return f"{version.sender.public_id}:{field}"
