"""Tokens of a live test: a refresh token that is replaced stays the one to save."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from portal.delivery.grants import OAuth
from portal.delivery.oauth import FreshTokens
from portal.delivery.tokens import Token, TokenRefusal
from portal.secret import Secret
from portal.services.senders.digesting import digest
from portal.services.senders.fields import REFRESH_TOKEN, stored_fields
from portal.services.senders.typed import (
    Lending,
    Typed,
    lending,
    open_typed,
    seal_typed,
)
from portal.store.database import connection, transaction
from portal.store.models import LiveTest
from portal.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTokens:
    """Implements `Tokens` for settings that are not saved yet.

    The refresh token that was typed is worth nothing once the end point has
    replaced it (RFC 6749 §6): the new one takes its place in the sealed secrets of
    the test, before it is used.
    """

    vault: Vault = field(repr=False)
    test_id: int
    fresh: FreshTokens

    async def token(
        self, oauth: OAuth, *, timeout_s: float, refused: Secret | None = None
    ) -> Token | TokenRefusal:
        before = self.fresh.rotated
        answer = await self.fresh.token(oauth, timeout_s=timeout_s, refused=refused)
        rotated = self.fresh.rotated
        if rotated is not None and rotated is not before:
            await asyncio.to_thread(self._keep, rotated)
        return answer

    def _keep(self, rotated: Secret) -> None:
        """Wherever this session has the old one: a later test may begin there."""
        with connection(), transaction():
            test = LiveTest.get_by_id(self.test_id)
            old = open_typed(self.vault, test).secrets.get(REFRESH_TOKEN)
            rows = lending(test.tenant_id, test.session_id) or [test]
            for row in rows:
                typed = open_typed(self.vault, row)
                if old and typed.secrets.get(REFRESH_TOKEN) == old:
                    secrets = {**typed.secrets, REFRESH_TOKEN: rotated}
                    self._reseal(row, replace(typed, secrets=secrets))

    def _reseal(self, row: Lending, typed: Typed) -> None:
        """The digest too: what is saved with the new one is what was tested."""
        changes: dict[str, Any] = {"sealed": seal_typed(self.vault, row, typed)}
        if isinstance(row, LiveTest):
            fields = stored_fields(row.settings)
            changes["digest"] = digest(self.vault, row.tenant_id, fields, typed.secrets)
        type(row).update(**changes).where(type(row).id == row.id).execute()
