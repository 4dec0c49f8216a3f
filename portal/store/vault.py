"""Secrets in rows: sealed, bound to their place, and shut without the right key."""

from __future__ import annotations

import peewee

from portal.config import Settings
from portal.crypto.keyfile import load_ring
from portal.crypto.seal import CannotOpen, KeyRing
from portal.errors import Unavailable
from portal.store.database import connection, transaction
from portal.store.models import Note

CANARY = "canary"
_PLAIN = b"the right key"
_CONTEXT = b"note|value|canary"


class Locked(Unavailable):
    """The master key is not the one that the secrets were sealed with."""

    def __init__(self) -> None:
        super().__init__(
            "The secrets of this installation are locked: its master key is missing"
            " or another one. Bring the right key back and start again."
        )


class Vault:
    """Seals and opens; each secret belongs to one cell of one row.

    A blob that was copied to another tenant, row or version does not open. A locked vault does neither, so nothing is overwritten.
    """

    def __init__(self, ring: KeyRing, *, locked: bool = False) -> None:
        self._ring = ring
        self.locked = locked

    def seal(
        self, text: str, *, tenant: str, table: str, column: str, row: str, version: int
    ) -> bytes:
        """Raises Locked."""
        if self.locked:
            raise Locked
        return self._ring.seal(
            text.encode(), _place(tenant, table, column, row, version)
        )

    def open(
        self,
        blob: bytes,
        *,
        tenant: str,
        table: str,
        column: str,
        row: str,
        version: int,
    ) -> str:
        """Raises Locked, and CannotOpen for what was altered or moved."""
        if self.locked:
            raise Locked
        place = _place(tenant, table, column, row, version)
        return self._ring.open(bytes(blob), place).decode()

    def derive(self, purpose: str) -> bytes:
        """A sub-key of the active key. Raises Locked."""
        if self.locked:
            raise Locked
        return self._ring.derive(purpose)


def open_vault(settings: Settings) -> Vault:
    """The vault of the attached, migrated database.

    The first start makes the key and seals a canary; every later one opens it.
    Raises CannotStart for a key that cannot be read at all.
    """
    with connection():
        canary = Note.get_or_none(Note.name == CANARY)
        ring = load_ring(settings, may_make=canary is None)
        if ring is None:
            return Vault(KeyRing.ephemeral(), locked=True)
        if canary is None:
            canary = _keep_canary(ring)
        try:
            opened = ring.open(bytes(canary.value), _CONTEXT)
        except CannotOpen:
            return Vault(KeyRing.ephemeral(), locked=True)
        return Vault(ring, locked=opened != _PLAIN)


def _keep_canary(ring: KeyRing) -> Note:
    """Of two processes that start at once, the first one's stays."""
    try:
        with transaction():
            return Note.create(name=CANARY, value=ring.seal(_PLAIN, _CONTEXT))
    except peewee.IntegrityError:
        return Note.get_by_id(CANARY)


def _place(tenant: str, table: str, column: str, row: str, version: int) -> bytes:
    """Unambiguous: each part is preceded by its length."""
    parts = (tenant, table, column, row, str(version))
    return b"".join(b"%d:%s" % (len(p.encode()), p.encode()) for p in parts)
