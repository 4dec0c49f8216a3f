"""The secrets of a version: sealed to their row, opened as late as possible."""

from __future__ import annotations

from collections.abc import Mapping

from portal.secret import Secret
from portal.store.models import SenderSecret, SenderVersion
from portal.store.vault import Vault

TABLE, COLUMN = "sender_secret", "sealed"


def seal_secrets(
    vault: Vault, version: SenderVersion, secrets: Mapping[str, Secret], *, by: str
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
            created_by=by,
        )


def open_secrets(vault: Vault, version: SenderVersion) -> dict[str, Secret]:
    """Every secret of a version. Raises `Locked` when the key does not fit."""
    rows = SenderSecret.select().where(SenderSecret.version == version)
    return {
        row.field: Secret(
            vault.open(
                bytes(row.sealed),
                tenant=str(version.sender.tenant_id),
                table=TABLE,
                column=COLUMN,
                row=_row(version, row.field),
                version=version.number,
            )
        )
        for row in rows
    }


def _row(version: SenderVersion, field: str) -> str:
    # Known before the row is written, and as unique as its key.
    return f"{version.sender.public_id}:{field}"
