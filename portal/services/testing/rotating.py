"""Tokens of a live test: a refresh token that is replaced stays the one to save."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from portal.delivery.grants import OAuth
from portal.delivery.oauth import FreshTokens
from portal.delivery.tokens import Token, TokenRefusal
from portal.secret import Secret
from portal.services.senders.digesting import digest
from portal.services.senders.fields import REFRESH_TOKEN, stored_fields
from portal.services.senders.typed import open_typed, seal_typed
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
        """The digest too: what is saved with the new one is what was tested."""
        with connection(), transaction():
            test = LiveTest.get_by_id(self.test_id)
            typed = open_typed(self.vault, test)
            if REFRESH_TOKEN not in typed.typed:
                return  # its fifteen minutes are over
            secrets = {**typed.secrets, REFRESH_TOKEN: rotated}
            fields = stored_fields(test.settings)
            LiveTest.update(
                sealed=seal_typed(self.vault, test, replace(typed, secrets=secrets)),
                digest=digest(self.vault, test.tenant_id, fields, secrets),
            ).where(LiveTest.id == test.id).execute()
